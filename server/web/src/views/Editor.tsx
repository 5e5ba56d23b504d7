import { useEffect, useRef } from "preact/hooks";
import type { Signal } from "@preact/signals";
import type { Run } from "../marks";
import type { Replica } from "../replica/replica";
import type { Editing } from "../replica/editor";

export interface EditorProps {
  replica: Replica; id: string; runs: Signal<Run[]>; label: string; help: string;
  point: { x: number; y: number } | null; on: Editing["on"];
}

/** One provision's words, being edited. The editor proper comes when it is first needed. */
export function Editor({ replica, id, runs, label, help, point, on }: EditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(on);
  latest.current = on;
  useEffect(() => {
    let ended = false;
    let end = () => {};
    void import("../replica/editor").then(({ edit }) => {
      if (ended || place.current === null) return;
      end = edit({
        replica, id, parent: place.current, label, point, runs,
        on: {
          leave: () => latest.current.leave(), enter: () => latest.current.enter(),
          up: () => latest.current.up(), down: () => latest.current.down(), empty: () => latest.current.empty(),
        },
      });
    });
    return () => {
      ended = true;
      end();
    };
  }, [replica, id]);
  return <div class="editor" ref={place} data-help={help} />;
}
