// One CodeMirror view on one provision: plain words, with the marks that the server attributes drawn in.
import { history, historyField, redo, standardKeymap, undo } from "@codemirror/commands";
import { EditorState, Prec, type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, WidgetType } from "@codemirror/view";
import { effect, type Signal } from "@preact/signals";
import { named, tone } from "../delegations";
import { asOnPaper, namedBehind, overlay, type Run, standing } from "../marks";
import { t } from "../words";
import { remote, sync } from "./sync";
import { Replica } from "./replica";

export interface Editing {
  replica: Replica; id: string; parent: HTMLElement; label: string; help: string; runs: Signal<Run[]>;
  point: { x: number; y: number } | null;
  on: { leave(): void; enter(): void; up(): void; down(): void; empty(): void };
}

/** What may stand in a provision: one line, no control characters but the tab. */
// eslint-disable-next-line no-control-regex
const oneLine = (text: string): string =>
  text.replace(/\s*[\r\n\u2028\u2029\u0085\v\f]+\s*/g, " ").replace(/[\u0000-\u0008\u000e-\u001f\u007f-\u009f]/g, "");

/** The marked words, and whose the view's words are by which it differs from them; null: somebody's. */
interface Marked { runs: Run[]; author: string | null }

const setRuns = StateEffect.define<Run[]>();
const marked = (me: string) => StateField.define<Marked>({
  create: () => ({ runs: [], author: me }),
  update: (now, transaction) => {
    const set = transaction.effects.find((one) => one.is(setRuns));
    // Words that wait for an input method to end are not the writer's to strike.
    if (set !== undefined) return { runs: set.value, author: standing(set.value) === transaction.newDoc.toString() ? me : null };
    const others = transaction.docChanged && transaction.annotation(remote) === true;
    return others ? { ...now, author: null } : now;
  },
});

class Struck extends WidgetType {
  constructor(readonly run: Run) {
    super();
  }
  override eq(other: Struck): boolean {
    return other.run.text === this.run.text && other.run.struckBy.join() === this.run.struckBy.join() && other.run.fresh === this.run.fresh;
  }
  override toDOM(): HTMLElement {
    const mark = document.createElement("del");
    mark.className = `${tone(this.run.struckBy[0])}${this.run.fresh ? " fresh" : ""}`;
    mark.textContent = this.run.text;
    mark.title = t("struckBy", { who: named(this.run.struckBy) });
    return mark;
  }
  override ignoreEvent(): boolean {
    return false;
  }
}

class Names extends WidgetType {
  constructor(readonly codes: string[]) {
    super();
  }
  override eq(other: Names): boolean {
    return other.codes.join() === this.codes.join();
  }
  override toDOM(): HTMLElement {
    const label = document.createElement("span");
    label.className = "label";
    label.setAttribute("aria-hidden", "true");
    for (const code of this.codes) {
      const one = document.createElement("span");
      one.className = tone(code);
      one.textContent = code;
      label.append(one);
    }
    return label;
  }
}

function marks({ runs, author }: Marked, text: string): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  let at = 0;
  const shown = asOnPaper(overlay(runs, text, author));
  const label = (run: Run, next: Run | undefined, position: number, side: number) => {
    const { by, strikers } = namedBehind(run, next);
    const codes = [...by, ...strikers];
    if (codes.length > 0) ranges.push(Decoration.widget({ widget: new Names(codes), side }).range(position));
  };
  for (const [n, run] of shown.entries()) {
    if (run.struckBy.length > 0) {
      // All of one side: they stand in the order in which they are given, each name behind its own words.
      ranges.push(Decoration.widget({ widget: new Struck(run), side: -1 }).range(at));
      label(run, shown[n + 1], at, -1);
      continue;
    }
    const end = at + run.text.length;
    if (run.comments.length > 0 && end > at) {
      ranges.push(Decoration.mark({ tagName: "mark", class: "commented", attributes: { "data-comments": run.comments.join(" ") }, inclusive: false }).range(at, end));
    }
    if (!run.baseline && end > at) {
      ranges.push(Decoration.mark({ tagName: "ins", class: `${tone(run.by[0])}${run.fresh ? " fresh" : ""}`, attributes: { title: t("insertedBy", { who: named(run.by) }) }, inclusive: false }).range(at, end));
      label(run, shown[n + 1], end, 1);
    }
    at = end;
  }
  return Decoration.set(ranges, true);
}

/** Each provision's undo history outlives its view: coming back to it, one can still take back what one wrote. */
const histories = new Map<string, EditorState>();

/** Starts editing; answers how to end it. */
export function edit({ replica, id, parent, label, help, runs, point, on }: Editing): () => void {
  const text = Replica.text(replica.handle.doc(), id) ?? "";
  const field = marked(replica.me);
  const key = `${replica.handle.documentId} ${id}`;
  const only = (does: () => void) => () => {
    does();
    return true;
  };
  /** From the first line up, from the last line down: to the neighbouring provision. */
  const atEdge = (forward: boolean) => (view: EditorView) => {
    const range = view.state.selection.main;
    const [here, there] = [range, view.moveVertically(range, forward)].map((one) => view.coordsAtPos(one.head));
    if (here && there && Math.abs(here.top - there.top) > 2) return false;
    (forward ? on.down : on.up)();
    return true;
  };
  const extensions = [
    field,
    history(),
    EditorView.decorations.compute([field, "doc"], (state) => marks(state.field(field), state.doc.toString())),
    EditorView.lineWrapping,
    EditorView.perLineTextDirection.of(true),
    EditorView.clipboardInputFilter.of(oneLine),
    EditorState.transactionFilter.of((transaction) => {
      if (!transaction.docChanged || transaction.annotation(remote) === true || transaction.newDoc.lines === 1) return transaction;
      const changes: { from: number; to: number; insert: string }[] = [];
      transaction.changes.iterChanges((from, to, _from, _to, inserted) => {
        changes.push({ from, to, insert: oneLine(inserted.toString()) });
      });
      return [{ changes, scrollIntoView: true }];
    }),
    EditorView.contentAttributes.of({ "aria-label": label, "aria-description": help, "aria-multiline": "false", dir: "auto", spellcheck: "true", autocapitalize: "off" }),
    Prec.high(keymap.of([
      { key: "Escape", run: only(on.leave) },
      { key: "Enter", run: (view) => {
        if (view.state.selection.main.head === view.state.doc.length) on.enter();
        return true;
      } },
      { key: "Mod-Enter", run: only(on.enter) },
      { key: "ArrowUp", run: atEdge(false) },
      { key: "ArrowDown", run: atEdge(true) },
      { key: "Backspace", run: (view) => {
        if (view.state.doc.length > 0) return false;
        on.empty();
        return true;
      } },
    ])),
    // Not the keys of programmers' editors: they copy, indent and delete lines, and are what some keyboards write letters with.
    keymap.of([
      { key: "Mod-z", run: undo, preventDefault: true },
      { key: "Mod-y", run: redo, preventDefault: true }, { key: "Mod-Shift-z", run: redo, preventDefault: true },
      ...standardKeymap,
    ]),
    sync(replica, id, on.leave),
  ];
  const earlier = histories.get(key);
  const config = { doc: text, extensions };
  // Where others have edited since, the first pull brings that in.
  const state = earlier !== undefined
    ? EditorState.fromJSON(earlier.toJSON({ history: historyField }), config, { history: historyField })
    : EditorState.create(config);
  const view = new EditorView({ state, parent });
  const stop = effect(() => { view.dispatch({ effects: setRuns.of(runs.value) }); });
  const head = point === null ? view.state.doc.length : view.posAtCoords(point, false);
  view.dispatch({ selection: { anchor: head } });
  view.focus();
  replica.editing(id);
  return () => {
    stop();
    histories.set(key, view.state);
    replica.editing(null);
    view.destroy();
  };
}
