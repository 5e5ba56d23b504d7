import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { stands, type View } from "../marks";
import { Resolution } from "../resolution";
import { follow } from "../route";
import { me, rules, writer } from "../visitor";
import { t } from "../words";
import { Banners } from "./Banners";
import { fetchEditor } from "./Editor";
import { Paper } from "./Paper";
import { RoundState } from "./RoundState";
import { TopBar } from "./TopBar";
import { WhatIf } from "./WhatIf";
import { Whos } from "./Who";

/** One resolution: to read, and for delegates to write in. */
export function ResolutionPage({ id }: { id: string }) {
  const resolution = useMemo(() => new Resolution(id), [id]);
  useEffect(() => {
    void resolution.open();
    if (writer.value !== null) void fetchEditor();
    return () => resolution.close();
  }, [resolution]);
  const view = useSignal<View | "whatif">("marked");
  const names = useSignal(true);
  const own = me.value?.account.delegation ?? null;
  const rows = useComputed(() => {
    const now = view.value;
    return now === "whatif" ? [] : resolution.rows.value.filter((row) => stands(row, now, own));
  });
  const document_ = resolution.document.value;
  useEffect(() => {
    if (document_ !== null) document.title = `${document_.symbol} · codraft`;
  }, [document_?.symbol]);
  if (resolution.problem.value?.status === 404) {
    return <main class="narrow"><h1>{t("unknownDocument")}</h1><a href="/" onClick={follow}>{t("back")}</a></main>;
  }
  const views = own === null ? ["marked", "clean", "baseline", "whatif"] as const : ["marked", "clean", "baseline", "mine", "whatif"] as const;
  return (
    <div class={`resolution view-${view.value} ${names.value ? "" : "nameless"}`}>
      <TopBar unsent={resolution.replica.value?.safe.value === false || resolution.unsent.shown.value.length > 0}
        title={<><span class="symbol">{document_?.symbol}</span> <h1 dir="auto">{document_?.title}</h1></>}>
        <Presence resolution={resolution} />
      </TopBar>
      <div class="tools" role="toolbar" aria-label={t("view")}>
        <div class="segments" role="group" aria-label={t("view")}>
          {views.map((one) => (
            <button key={one} aria-pressed={view.value === one} onClick={() => { view.value = one; }}>{t(`view_${one}`)}</button>
          ))}
        </div>
        <label class="check">
          <input type="checkbox" checked={names.value} onChange={(event) => { names.value = event.currentTarget.checked; }} /> {t("names")}
        </label>
        <button class="quiet" onClick={() => print()}>{t("print")}</button>
        {rules.value && <a class="button" href={`/documents/${id}/chair`} onClick={follow}>{t(me.value?.account.role === "chair" ? "chairView" : "rounds")}</a>}
        <a class="button" href={`/documents/${id}/projector`} onClick={follow}>{t("projectorView")}</a>
        <RoundState round={resolution.round.value} />
        <State resolution={resolution} />
      </div>
      <Banners resolution={resolution} />
      <main>
        {resolution.attribution.value === null
          ? <p class="wait" aria-busy="true">{t("loading")}</p>
          : view.value === "whatif" ? <WhatIf resolution={resolution} />
            : <Paper resolution={resolution} rows={rows.value} view={view.value} own={own} />}
      </main>
      <div class="unseen" aria-live="polite" role="status">{resolution.news.value}</div>
    </div>
  );
}

function Presence({ resolution }: { resolution: Resolution }) {
  const present = resolution.present.value;
  return present.length === 0 ? null : <div class="present" aria-label={t("here")}><span class="caption">{t("here")}</span> <Whos codes={present} /></div>;
}

/** How it is with the server, in few words. */
function State({ resolution }: { resolution: Resolution }) {
  const replica = resolution.replica.value;
  const link = resolution.link.value;
  const words = link !== "online" ? t(link === "connecting" ? "connecting" : link === "closed" ? "closedTitle" : "offlineTitle")
    : writer.value === null ? t("online")
      : t(replica?.safe.value === true ? "saved" : replica?.safe.value === false ? "saving" : "connecting");
  return <p class={`state ${link} ${writer.value !== null && replica?.safe.value !== true ? "unsafe" : ""}`} role="status" data-link={link} data-safe={String(replica?.safe.value)}>{words}</p>;
}
