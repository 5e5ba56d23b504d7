import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { get, type Revision } from "../api";
import { delegations } from "../delegations";
import { t, when } from "../words";
import { Who } from "./Who";

/** Everything that can be taken out of a resolution, to read, print and file. */
export function Exports({ id, fails }: { id: string; fails(error: unknown): void }) {
  const revisions = useSignal<Revision[]>([]);
  useEffect(() => {
    get<{ revisions: Revision[] }>(`/documents/${id}/revisions`).then((answer) => { revisions.value = answer.revisions; }, fails);
  }, [id]);
  const path = `/api/v1/documents/${id}`;
  return (
    <div class="exports">
      <List title={t("exportTexts")}>
        <Out to={`${path}/text?view=current`}>{t("export_current")}</Out>
        <Out to={`${path}/text?view=baseline`}>{t("export_baseline")}</Out>
        <Out to={`${path}/text?view=marked`}>{t("export_marked")}</Out>
        <Out to={`${path}/text?view=marked:anonymous`}>{t("export_anonymous")}</Out>
        {delegations.value.length > 0 && (
          <li>{t("export_delegation")}
            <span class="each">{delegations.value.map(({ code }) => <a key={code} href={`${path}/text?view=delegation:${code}`} target="_blank" rel="noreferrer"><Who code={code} /></a>)}</span>
          </li>
        )}
      </List>
      <List title={t("exportRevisions")}>
        {revisions.value.map((one) => <Out key={one.number} to={`${path}/revisions/${one.number}/text`} more={` · ${when(one.at)}`}>{t("revisionText", { n: one.number })}</Out>)}
      </List>
      <List title={t("exportTable")}>
        {(["html", "text", "csv", "json"] as const).map((format) => (
          <li key={format}>
            <a href={`${path}/table?format=${format}`} target="_blank" rel="noreferrer">{t(`format_${format}`)}</a>
            {" · "}<a href={`${path}/table?format=${format}&names=hidden`} target="_blank" rel="noreferrer" aria-label={`${t(`format_${format}`)}, ${t("withoutNames")}`}>{t("withoutNames")}</a>
          </li>
        ))}
      </List>
      <List title={t("exportRecords")}>
        <li><a href={`${path}/ledger`} download={`ledger-${id}.json`}>{t("exportLedger")}</a></li>
        <li><a href={`${path}/audit`} download={`audit-${id}.json`}>{t("exportAudit")}</a></li>
        <li><a href="/api/v1/backup" download="codraft.backup">{t("exportBackup")}</a></li>
      </List>
    </div>
  );
}

function List({ title, children }: { title: string; children: ComponentChildren }) {
  return <div><h3>{title}</h3><ul>{children}</ul></div>;
}

function Out({ to, more = "", children }: { to: string; more?: string; children: ComponentChildren }) {
  return <li><a href={to} target="_blank" rel="noreferrer">{children}</a>{more}</li>;
}
