import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, type Quarantined } from "../api";
import { t, when } from "../words";

/** What was refused, by whom it came, and why. */
export function Quarantine({ id, fails }: { id: string; fails(error: unknown): void }) {
  const refused = useSignal<Quarantined[]>([]);
  useEffect(() => {
    get<{ quarantine: Quarantined[] }>(`/documents/${id}/quarantine`).then((answer) => { refused.value = answer.quarantine; }, fails);
  }, [id]);
  return (
    <>
      <h2>{t("quarantineTitle")}</h2>
      {refused.value.length === 0 ? <p>{t("quarantineNone")}</p> : (
        <ul>{refused.value.map((one) => <li key={one.number}>{when(one.at)} · {one.sender} · <code>{one.code}</code> · {one.reason}</li>)}</ul>
      )}
    </>
  );
}
