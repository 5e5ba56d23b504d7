// One resolution as the page has it: what the server says of it, and what this replica holds beyond that.
import { batch, computed, signal } from "@preact/signals";
import { type AttributedProvision, type Attribution, type Comment, type Document, keepOverview, overviewOf, type Place, Problem, type Proposal, type Round } from "./api";
import { overlay, type Run, runsOf, standing } from "./marks";
import { placeOf } from "./place";
import type { Link } from "./replica/connection";
import type { Held, Replica } from "./replica/replica";
import { nameOf } from "./delegations";
import { type Saying, type UnsentComment, UnsentSayings } from "./unsent";
import { after, whole, type Whole } from "./overview";
import { forsake, isServed } from "./reserve";
import { grouped, unchanged } from "./unchanged";
import { comments as mayComment, me, speaker, writer } from "./visitor";
import { list, t } from "./words";

/** One provision as it is shown. */
export interface Row {
  id: string; kind: string; part: string; level: number; heading: string; enumerator: string;
  baseline: boolean; shown: boolean; insertedBy: string; suppressedBy: string[];
  runs: Run[];
  /** The text that stands, where this replica can edit it. */
  text: string | null;
}

/** Events come faster than a page needs to be drawn. */
const BREATH = 250;
/** How long to wait where the server could not answer. */
const AGAIN = 2_000;
/** After so many readings what others changed is told all the same: news may be lost, and in a busy meeting it never rests. */
const UNTOLD = 4;

export class Resolution {
  readonly document = signal<Document | null>(null);
  readonly attribution = signal<Attribution | null>(null);
  readonly proposals = signal<Proposal[]>([]);
  readonly rounds = signal<Round[]>([]);
  readonly comments = signal<Comment[]>([]);
  readonly present = signal<string[]>([]);
  readonly replica = signal<Replica | null>(null);
  readonly problem = signal<Problem | null>(null);
  /** Whether the server is there, for pages without a replica. */
  readonly reached = signal(true);
  /** Who last changed which provision, for those who cannot see it. */
  readonly news = signal("");
  #events: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = 0;
  #closed = false;
  #reading = Promise.resolve();
  /** What the server said last. */
  #known: Whole | null = null;
  /** Changes that became durable, in order: whose, and the heads after them. */
  #heard: { heads: string; delegations: string[] }[] = [];
  /** What was told last of who edited what, and how many readings since have not been told of. */
  #told: Attribution | null = null;
  #untold = 0;
  /** Each row with what it was made of. */
  #drawn = new Map<string, { of: unknown[]; row: Row }>();

  /** What was said here and is not sent yet. */
  readonly unsent: UnsentSayings;

  constructor(readonly id: string, readonly writes = true) {
    this.unsent = new UnsentSayings(id, speaker.value, () => this.comments.value, (kind) => this.#maySay(kind), (comment) => this.#take(comment));
  }

  async open(): Promise<void> {
    this.#listen();
    addEventListener("offline", this.#lost);
    addEventListener("online", this.#again);
    const writes = this.writes && writer.value !== null;
    const opening = writes ? this.#openReplica() : Promise.resolve();
    await this.refresh();
    await opening;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    removeEventListener("offline", this.#lost);
    removeEventListener("online", this.#again);
    this.#events?.close();
    this.unsent.close();
    this.replica.value?.close();
  }

  /** Reads the document; one reading at a time, so that an older answer never replaces a newer one. */
  refresh(): Promise<void> {
    this.#reading = this.#reading.catch(() => undefined).then(() => this.#read());
    return this.#reading;
  }

  async #read(): Promise<void> {
    this.#last = Date.now();
    try {
      // An answer in full is the service worker's to keep, where that was there when it was asked for.
      const served = isServed();
      const said = await overviewOf(this.id, this.#known?.edition ?? null);
      const now = after(said, this.#known);
      if (said.since === undefined ? !served : said.edition !== said.since) keepOverview(this.id, () => whole(now));
      this.#known = now;
      const { document, attribution, proposals, rounds, comments } = now;
      this.#tell(attribution);
      batch(() => {
        this.document.value = document;
        this.attribution.value = attribution;
        this.proposals.value = proposals;
        this.rounds.value = rounds;
        this.comments.value = unchanged(this.comments.value, comments, (one) => String(one.number));
        this.problem.value = null;
        this.replica.value?.attributed(attribution);
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem.value = error;
      if (error.status === 401) forsake();
      // The stream of events may be there all the same, and tell nothing more.
      if (this.reached.value && (error.unreachable || error.status >= 500)) this.soon(AGAIN);
    }
  }

  /** Says, for those who cannot see it, what others have just changed. */
  #tell(now: Attribution): void {
    const [before, heads] = [this.#told, now.heads.join()];
    const at = this.#heard.findLastIndex((one) => one.heads === heads);
    if (before === null) {
      this.#told = now;
      return;
    }
    // The answer may have overtaken the news of whose changes are in it: that comes, and then this is read again.
    if (at < 0 && (before.heads.join() === heads || ++this.#untold < UNTOLD)) return;
    const heard = this.#heard.splice(0, at < 0 ? this.#heard.length : at + 1);
    [this.#told, this.#untold] = [now, 0];
    const by = [...new Set(heard.flatMap((one) => one.delegations))].filter((code) => code !== writer.value);
    if (by.length === 0) return;
    const known = new Map(before.provisions.map((one) => [one.provision.id, one]));
    // Not where only oneself has changed something meanwhile.
    const changed = now.provisions.filter((one) => {
      const old = known.get(one.provision.id);
      return one !== old && deedsOf(by, one) !== deedsOf(by, old);
    });
    const places = [...new Set(changed.map((one) => placeOf({ ...one.provision, kind: one.kind, runs: runsOf(one) })))].slice(0, 3);
    if (places.length > 0) this.news.value = t("remoteEdit", { who: list(by.map(nameOf)), place: list(places) });
  }

  /** Reads the document again soon, and not too often. */
  soon(breath = BREATH): void {
    if (this.#timer !== undefined || this.#closed) return;
    const wait = Math.max(0, this.#last + breath - Date.now());
    this.#timer = setTimeout(() => {
      // Those that came while one is being read share the next reading.
      this.#timer = undefined;
      void this.refresh();
    }, wait);
  }

  /** The browser knows that the network is gone long before the stream does. */
  readonly #lost = () => {
    this.#events?.close();
    this.reached.value = false;
  };

  readonly #again = () => this.#listen();

  #listen(): void {
    this.#events?.close();
    const events = new EventSource(`/api/v1/documents/${this.id}/events`);
    this.#events = events;
    events.onopen = () => {
      this.reached.value = true;
      this.soon();
    };
    events.onerror = () => {
      this.reached.value = false;
      // Closed for good: refused. The next request says why.
      if (events.readyState === EventSource.CLOSED && !this.#closed) {
        void this.refresh();
        setTimeout(() => { if (!this.#closed && this.problem.value?.status !== 401) this.#listen(); }, 5000);
      }
    };
    events.addEventListener("presence", (event) => {
      this.present.value = (JSON.parse(event.data) as { delegations: string[] }).delegations;
    });
    events.addEventListener("changes", (event) => {
      const { heads, delegations } = JSON.parse(event.data) as { heads: string[]; delegations: string[] };
      this.#heard.push({ heads: heads.join(), delegations });
    });
    for (const name of ["changes", "missed", "round", "proposals", "comments"]) {
      events.addEventListener(name, () => this.soon());
    }
  }

  async #openReplica(): Promise<void> {
    const account = me.value?.account;
    const by = writer.value;
    if (account === undefined || by === null) return;
    const { Replica } = await import("./replica/replica");
    // Each delegation has a store of its own: what one has not sent yet must never go out in another's name.
    const replica = await Replica.open(`codraft-${by}`, this.id, by);
    if (this.#closed) {
      replica.close();
      return;
    }
    batch(() => {
      this.replica.value = replica;
      if (this.attribution.value !== null) replica.attributed(this.attribution.value);
    });
  }

  /** Every provision, in the order of the text. */
  readonly rows = computed((): Row[] => {
    const attributed = this.attribution.value?.provisions ?? [];
    const replica = this.replica.value;
    const held = replica?.held.value ?? [];
    const byId = new Map(held.map((one) => [one.id, one]));
    const drawn = new Map<string, { of: unknown[]; row: Row }>();
    const rows = attributed.map((one): Row => {
      const here = byId.get(one.provision.id);
      byId.delete(one.provision.id);
      const author = replica?.author(one.provision.id);
      const base = replica?.base.value.get(one.provision.id) ?? one;
      const of = [one, base, here?.text, here?.suppressedBy.join(), author];
      const before = this.#drawn.get(one.provision.id);
      if (before?.of.every((value, at) => value === of[at])) {
        drawn.set(one.provision.id, before);
        return before.row;
      }
      const runs = runsOf(one);
      // The server may already speak of what has not come here, and not yet of what was written here.
      const ahead = here !== undefined && replica !== null && author !== undefined && here.text !== standing(runs);
      const own = ahead ? replica.layers(here.id, here.text).reduce((under, layer) => overlay(under, layer.text, layer.author), runsOf(base)) : runs;
      const row = {
        id: one.provision.id, kind: one.kind, part: one.provision.part, level: one.level, heading: one.provision.heading,
        enumerator: one.provision.enumerator, baseline: one.baseline, shown: one.shown, insertedBy: one.inserted_by,
        suppressedBy: suppressors(one.suppressed_by, here, replica), runs: own, text: here?.text ?? null,
      };
      drawn.set(row.id, { of, row });
      return row;
    });
    this.#drawn = drawn;
    // What is only here yet: additions that the server has not attributed.
    let after = -1;
    for (const one of held) {
      if (!byId.has(one.id)) {
        after = rows.findIndex((row) => row.id === one.id);
        continue;
      }
      after += 1;
      rows.splice(after, 0, fresh(one, rows[after - 1], replica?.author(one.id) ?? null));
    }
    return rows;
  });

  /** How it is with the server. */
  readonly link = computed((): Link["state"] => this.replica.value?.connection.link.value.state ?? (this.reached.value ? "online" : "offline"));

  /** A comment may be on words that were only just written here: those must be at the server first. */
  #maySay(kind: Saying["kind"]): boolean {
    if (!mayComment.value || this.link.value !== "online") return false;
    return kind !== "comment" || writer.value === null || this.replica.value?.safe.value === true;
  }

  /** A comment as the server has just answered it. */
  #take(comment: Comment): void {
    const before = this.comments.value;
    const known = before.some((one) => one.number === comment.number);
    this.comments.value = known ? before.map((one) => (one.number === comment.number ? comment : one)) : [...before, comment];
    this.soon();
  }

  readonly #byId = computed(() => new Map(this.rows.value.map((row) => [row.id, row])));

  /** Where something stands, in words; a heading's place is its own words. */
  placeOf(provision: Place): string {
    return placeOf(this.#byId.value.get(provision.id) ?? provision);
  }

  /** The current round. */
  readonly round = computed(() => this.rounds.value.at(-1) ?? null);

  readonly byProvision = keeping(() => this.proposals.value);
  /** Those that one's own delegation stands behind, or stood. */
  readonly ownByProvision = keeping(() => this.proposals.value.filter((one) => one.sponsors.includes(me.value?.account.delegation ?? "")));
  readonly commentsOn = keeping(() => this.comments.value);
  readonly unsentOn = keeping(() => this.unsent.shown.value.filter((one): one is UnsentComment => one.kind === "comment"));

  /** Who stands behind each proposal, by its id. */
  readonly sponsors = computed(() => {
    const sponsors = JSON.stringify(this.proposals.value.map((one) => [one.id, one.sponsors]));
    if (sponsors !== this.#sponsors.said) this.#sponsors = { said: sponsors, of: new Map(JSON.parse(sponsors) as [string, string[]][]) };
    return this.#sponsors.of;
  });
  #sponsors = { said: "", of: new Map<string, string[]>() };
}

function keeping<T extends { provision: { id: string } }>(all: () => T[]) {
  let last = new Map<string, T[]>();
  return computed(() => (last = grouped(all(), last)));
}

/** What some delegations have done in a provision. */
function deedsOf(codes: string[], one: AttributedProvision | undefined): string {
  const theirs = (list: string[]) => list.filter((code) => codes.includes(code));
  const deeds = one?.runs.map((run) => [theirs([run.inserted_by, ...(run.also_by ?? [])]), theirs(run.struck_by), run.text] as const);
  return JSON.stringify([deeds?.filter(([wrote, struck]) => wrote.length + struck.length > 0), theirs(one?.suppressed_by ?? [])]);
}

/** The server's word on who suppresses, but one's own newest. */
function suppressors(said: string[], here: Held | undefined, replica: Replica | null): string[] {
  if (here === undefined || replica === null) return said;
  const others = said.filter((by) => by !== replica.me);
  return here.suppressedBy.includes(replica.me) ? [...others, replica.me].sort() : others;
}

function fresh(one: Held, before: Row | undefined, author: string | null): Row {
  const by = author === null ? [] : [author];
  const heading = before?.kind === "heading" ? before.runs.map((run) => run.text).join("") : before?.heading ?? "";
  return {
    id: one.id, kind: one.kind, part: one.part, level: one.level, heading, enumerator: one.enumerator, baseline: false,
    shown: true, insertedBy: author ?? "?", suppressedBy: one.suppressedBy, text: one.text,
    runs: one.text === "" ? [] : [{ text: one.text, by, struckBy: [], baseline: false, fresh: true, comments: [] }],
  };
}
