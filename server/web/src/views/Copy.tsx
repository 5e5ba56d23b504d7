import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../words";

/** Copies some words. */
export function Copy({ text }: { text: string }) {
  const copied = useSignal(false);
  useEffect(() => { copied.value = false; }, [text]);
  return <button class="quiet" onClick={() => void navigator.clipboard.writeText(text).then(() => { copied.value = true; })}>{t(copied.value ? "copied" : "copy")}</button>;
}
