import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Chosen, chosen } from "../chosen";
import { t } from "../words";

/** What somebody is about to comment on. */
export interface Commenting { provision: string; chosen: Chosen | null }

/**
 * The key that comments, as in spreadsheets. Not one with Ctrl and Alt: together they are AltGr, with which many
 * keyboards write letters; nor a letter with Ctrl and Shift: browsers keep those to themselves.
 */
export const COMMENT_KEY = "Shift+F2";
const isCommentKey = (event: KeyboardEvent) => event.key === "F2" && event.shiftKey && !event.ctrlKey && !event.altKey && !event.metaKey;

/** A button at the selected words, and its key. */
export function CommentOnSelection({ begin }: { begin(commenting: Commenting): void }) {
  const at = useSignal<{ x: number; y: number } | null>(null);
  useEffect(() => {
    const look = () => {
      const box = chosen() === null ? undefined : getSelection()?.getRangeAt(0).getBoundingClientRect();
      at.value = box === undefined ? null : { x: box.right, y: box.bottom };
    };
    const press = (event: KeyboardEvent) => {
      if (!isCommentKey(event)) return;
      const words = chosen();
      const provision = words?.provision ?? (document.activeElement?.closest<HTMLElement>("[data-provision]"))?.dataset["provision"];
      if (provision === undefined) return;
      event.preventDefault();
      begin({ provision, chosen: words });
    };
    document.addEventListener("selectionchange", look);
    addEventListener("scroll", look, { passive: true });
    addEventListener("keydown", press, true);
    return () => {
      document.removeEventListener("selectionchange", look);
      removeEventListener("scroll", look);
      removeEventListener("keydown", press, true);
    };
  }, []);
  if (at.value === null) return null;
  const { x, y } = at.value;
  return (
    // The selection must not go when the button is pressed.
    <button class="comment-here" style={{ left: `${Math.min(x, innerWidth - 140)}px`, top: `${Math.min(y + 4, innerHeight - 40)}px` }}
      title={t("commentKey")} aria-keyshortcuts={COMMENT_KEY} onMouseDown={(event) => event.preventDefault()}
      onClick={() => {
        const words = chosen();
        if (words !== null) begin({ provision: words.provision, chosen: words });
        at.value = null;
      }}>{t("comment")}</button>
  );
}
