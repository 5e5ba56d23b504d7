// Words with their authors, as the server attributes them, brought up to what the replica holds. Pure.
import diff from "fast-diff";
import type { AttributedProvision, AttributedRun, Segment } from "./api";

/** A stretch of words with one history. */
export interface Run {
  text: string;
  /** Who stands behind it where it is pending; empty for the baseline's words and for what nobody attributed yet. */
  by: string[];
  struckBy: string[];
  baseline: boolean;
  /** Written here or received, but not attributed by the server yet. */
  fresh: boolean;
  /** Numbers of the comments on them. */
  comments: number[];
}

export type View = "marked" | "clean" | "baseline" | "mine";

const fromServer = (run: AttributedRun): Run => ({
  text: run.text,
  by: run.baseline ? [] : [run.inserted_by, ...(run.also_by ?? [])],
  struckBy: run.struck_by,
  baseline: run.baseline,
  fresh: false,
  comments: run.comments ?? [],
});

/** The words that stand. */
export const standing = (runs: Run[]): string =>
  runs.filter((run) => run.struckBy.length === 0).map((run) => run.text).join("");

/**
 * The runs, so changed that `text` stands. What differs is `author`'s where that is known, else nobody's yet:
 * the server's next word on it replaces this one.
 */
export function overlay(runs: Run[], text: string, author: string | null): Run[] {
  const before = standing(runs);
  if (before === text) return runs;
  const by = author === null ? [] : [author];
  const out: Run[] = [];
  let [at, within] = [0, 0];
  const passStruck = () => {
    for (let run = runs[at]; run !== undefined && run.struckBy.length > 0; run = runs[at]) {
      out.push(run);
      at += 1;
    }
  };
  /** Takes `count` standing characters off the runs. */
  const take = (count: number, make: (run: Run, text: string) => Run | null) => {
    while (count > 0) {
      passStruck();
      const run = runs[at];
      if (run === undefined) return;
      const part = run.text.slice(within, within + count);
      const made = make(run, part);
      if (made !== null) out.push(made);
      count -= part.length;
      within += part.length;
      if (within === run.text.length) [at, within] = [at + 1, 0];
    }
  };
  for (const [kind, words] of diff(before, text)) {
    if (kind === diff.EQUAL) take(words.length, (run, part) => ({ ...run, text: part }));
    else if (kind === diff.DELETE) {
      take(words.length, (run, part) => {
        // Whoever strikes their own pending words takes them back.
        if (!run.baseline && (author === null || run.by.includes(author))) return null;
        return { ...run, text: part, struckBy: by.length > 0 ? by : ["?"], fresh: true };
      });
    } else {
      if (within === 0) passStruck();
      const last = out.at(-1);
      // What comes in key by key is one stretch of words.
      if (last?.fresh === true && last.struckBy.length === 0 && last.by.join() === by.join()) out[out.length - 1] = { ...last, text: last.text + words };
      else out.push({ text: words, by, struckBy: [], baseline: false, fresh: true, comments: [] });
    }
  }
  if (within > 0) {
    const run = runs[at];
    if (run !== undefined) out.push({ ...run, text: run.text.slice(within) });
    at += 1;
  }
  out.push(...runs.slice(at));
  return out.filter((run) => run.text !== "");
}

/** In each stretch of marks the struck words first, then those that replace them, as on paper. */
export function asOnPaper(runs: Run[]): Run[] {
  const out: Run[] = [];
  let [struck, inserted]: [Run[], Run[]] = [[], []];
  const flush = () => {
    out.push(...struck, ...inserted);
    [struck, inserted] = [[], []];
  };
  for (const run of runs) {
    if (run.baseline && run.struckBy.length === 0) {
      flush();
      out.push(run);
    } else if (run.baseline) struck.push(run);
    else inserted.push(run);
  }
  flush();
  return out;
}

/** Who is named behind a run: not where the next mark names the same ones. */
export function namedBehind(run: Run, next: Run | undefined): { by: string[]; strikers: string[] } {
  const who = (one: Run) => {
    const [by, strikers] = [one.baseline ? [] : one.by, one.struckBy].map((codes) => codes.filter((code) => code !== "?"));
    return { by: by ?? [], strikers: strikers ?? [] };
  };
  const here = who(run);
  const one = (names: { by: string[]; strikers: string[] }) => (names.by.length > 0 && names.strikers.length > 0 ? null : [...names.by, ...names.strikers].join());
  if (next !== undefined && one(who(next)) !== null && one(who(next)) === one(here)) return { by: [], strikers: [] };
  return here;
}

/** What a view shows of a provision's runs. */
export function seen(runs: Run[], view: View, me: string | null): Run[] {
  const plain = (run: Run): Run => ({ ...run, by: [], struckBy: [], baseline: true, fresh: false, comments: [] });
  switch (view) {
    case "marked":
      return asOnPaper(runs);
    case "clean":
      return runs.filter((run) => run.struckBy.length === 0).map(plain);
    case "baseline":
      return runs.filter((run) => run.baseline).map(plain);
    case "mine":
      return asOnPaper(runs
        .filter((run) => run.baseline || (me !== null && run.by.includes(me)))
        .map((run) => ({ ...run, struckBy: run.struckBy.filter((by) => by === me) })));
  }
}

/** Whether a view shows the provision at all. */
export function stands(one: { baseline: boolean; shown: boolean; insertedBy: string; suppressedBy: string[] }, view: View, me: string | null): boolean {
  switch (view) {
    case "marked":
      return one.shown;
    case "clean":
      return one.shown && one.suppressedBy.length === 0;
    case "baseline":
      return one.baseline;
    case "mine":
      return one.baseline || (one.shown && one.insertedBy === me);
  }
}

export const runsOf = (one: AttributedProvision): Run[] => one.runs.map(fromServer);

/** A segment of a proposal, as marked words. */
export function runOf(segment: Segment, at: number, all: Segment[]): Run {
  const space = segment.field === "enumerator" && all[at + 1]?.field === "text" ? " " : "";
  return {
    text: segment.text + space,
    by: segment.kind === "inserted" ? segment.by : segment.of === undefined ? [] : [segment.of],
    struckBy: segment.kind === "struck" ? segment.by : [],
    baseline: segment.kind !== "inserted" && segment.of === undefined,
    fresh: false,
    comments: [],
  };
}
