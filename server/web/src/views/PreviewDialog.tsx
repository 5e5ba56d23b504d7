import { useLayoutEffect, useRef } from "preact/hooks";
import type { Preview } from "../api";
import { t } from "../words";

/** The text as it would be. Escape closes it, and the keys that rule do not reach past it. */
export function PreviewDialog({ preview, close }: { preview: Preview; close(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="preview" ref={dialog} aria-label={t("previewTitle")} onClose={close}>
      <h2>{t("previewTitle")}</h2>
      <pre dir="auto" tabIndex={0}>{preview.text}</pre>
      <button class="main" onClick={() => dialog.current?.close()}>{t("close")}</button>
    </dialog>
  );
}
