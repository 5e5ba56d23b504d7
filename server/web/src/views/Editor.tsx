import { useLayoutEffect, useRef } from "preact/hooks";
import type { Signal } from "@preact/signals";
import type { Run } from "../marks";
import type { Replica } from "../replica/replica";
import type { edit as Edit, Editing } from "../replica/editor";

/** The editor proper, once it is here; readers never fetch it. */
let editor: typeof Edit | null = null;

export async function fetchEditor(): Promise<typeof Edit> {
  editor ??= (await import("../replica/editor")).edit;
  return editor;
}

interface EditorProps {
  replica: Replica; id: string; runs: Signal<Run[]>; label: string; help: string;
  point: { x: number; y: number } | null; on: Editing["on"];
}

/** One provision's words, being edited. It takes over within the same turn, so that no key falls between two provisions. */
export function Editor({ replica, id, runs, label, help, point, on }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(on);
  latest.current = on;
  useLayoutEffect(() => {
    let ended = false;
    let end = () => {};
    const start = (edit: typeof Edit) => {
      if (ended || place.current === null) return;
      end = edit({
        replica, id, parent: place.current, label, help, point, runs,
        on: {
          leave: () => latest.current.leave(), enter: () => latest.current.enter(),
          up: () => latest.current.up(), down: () => latest.current.down(), empty: () => latest.current.empty(),
        },
      });
    };
    if (editor !== null) start(editor);
    else void fetchEditor().then(start);
    return () => {
      ended = true;
      end();
    };
  }, [replica, id]);
  return <div class="editor" ref={place} />;
}
