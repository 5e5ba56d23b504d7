// Keeps one CodeMirror view and one provision's Text the same.
//
// While an input method composes, the composed words are not the writer's last ones, and a remote edit put
// between them would double or lose characters: remote edits wait until it is done, and what is written
// meanwhile is recorded as a change to the text as the writer saw it.
import * as A from "@automerge/automerge/slim";
import { Annotation, type ChangeSpec, Transaction } from "@codemirror/state";
import { type EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import diff from "fast-diff";
import { type Doc, Replica } from "./replica";

/** Marks what others wrote: it is not undone with one's own edits. */
export const remote = Annotation.define<boolean>();

/** The least edits that make one text the other. */
export function edits(from: string, to: string): ChangeSpec[] {
  const changes: ChangeSpec[] = [];
  let at = 0;
  for (const [kind, words] of diff(from, to)) {
    if (kind === diff.INSERT) changes.push({ from: at, insert: words });
    else {
      if (kind === diff.DELETE) changes.push({ from: at, to: at + words.length });
      at += words.length;
    }
  }
  return changes;
}

export const sync = (replica: Replica, id: string, gone: () => void) =>
  ViewPlugin.fromClass(class {
    /** What the view's text is the text of. */
    heads = replica.heads();
    writing = false;
    timer: ReturnType<typeof setTimeout> | undefined;

    constructor(readonly view: EditorView) {
      replica.handle.on("heads-changed", this.pull);
      // The view may have been made of an older text.
      queueMicrotask(() => this.pull(true));
    }

    update(update: ViewUpdate): void {
      const own = update.transactions.filter((one) => one.annotation(remote) !== true && !one.changes.empty);
      if (own.length === 0) return;
      this.writing = true;
      replica.handle.update((doc) => {
        const write = (draft: Doc) => {
          const at = Replica.at(draft, id);
          if (at < 0) return;
          for (const one of own) {
            let moved = 0;
            one.changes.iterChanges((from, to, _from, _to, inserted) => {
              A.splice(draft as never, ["provisions", at, "text"], from + moved, to - from, inserted.toString());
              moved += inserted.length - (to - from);
            });
          }
        };
        const now = A.getHeads(doc);
        const time = { time: Math.floor(Date.now() / 1000) };
        if (A.equals(now, this.heads)) {
          const written = A.change(doc, time, write);
          this.heads = A.getHeads(written);
          return written;
        }
        const { newDoc, newHeads } = A.changeAt(doc, this.heads, time, write);
        if (newHeads !== null) this.heads = newHeads;
        return newDoc;
      });
      this.writing = false;
      queueMicrotask(() => this.pull());
    }

    readonly pull = (always: unknown = false): void => {
      clearTimeout(this.timer);
      if (this.writing) return;
      if (this.view.composing || this.view.compositionStarted) {
        this.timer = setTimeout(() => this.pull(always), 50);
        return;
      }
      const doc = replica.handle.doc();
      const now = A.getHeads(doc);
      if (always !== true && A.equals(now, this.heads)) return;
      const text = Replica.text(doc, id);
      if (text === undefined) {
        gone();
        return;
      }
      this.heads = now;
      const shown = this.view.state.doc.toString();
      if (shown === text) return;
      this.view.dispatch({
        changes: edits(shown, text),
        annotations: [remote.of(true), Transaction.addToHistory.of(false)],
      });
    };

    destroy(): void {
      clearTimeout(this.timer);
      replica.handle.off("heads-changed", this.pull);
    }
  });
