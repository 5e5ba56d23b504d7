import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { get, type Proposal, type Screen } from "../api";
import { asOnPaper, runOf, seen } from "../marks";
import { placeOf } from "../place";
import { Resolution } from "../resolution";
import { follow } from "../route";
import { t } from "../words";
import { MarkedText } from "./MarkedText";
import { Who } from "./Who";

/** Sizes of the words on the screen, in hundredths of its width: as large as fits. */
const SIZES = { most: 4.6, least: 2.1, step: 0.2 };

/** One provision for the whole room. */
export function ProjectorPage({ id }: { id: string }) {
  const resolution = useMemo(() => new Resolution(id, false), [id]);
  const screen = useSignal<Screen>({ names: true });
  const follows = useSignal(true);
  const own = useSignal<string | null>(null);
  const names = useSignal(true);
  const dark = useSignal(false);
  useEffect(() => {
    void resolution.open();
    return () => resolution.close();
  }, [resolution]);
  const reached = resolution.reached.value;
  useEffect(() => {
    if (!reached) return;
    const take = (next: Screen) => {
      screen.value = next;
      if (follows.value) names.value = next.names;
    };
    get<Screen>(`/documents/${id}/screen`).then(take, () => undefined);
    const events = new EventSource(`/api/v1/documents/${id}/screen/events`);
    events.addEventListener("screen", (event) => take(JSON.parse(event.data) as Screen));
    return () => events.close();
  }, [id, reached]);
  const rows = resolution.rows.value.filter((row) => row.shown && row.kind !== "blank" && row.kind !== "rule");
  const wanted = follows.value ? screen.value.provision : own.value ?? screen.value.provision;
  const row = rows.find((one) => one.id === wanted) ?? (follows.value ? undefined : rows[0]);
  const turn = (by: number) => {
    const at = rows.findIndex((one) => one.id === row?.id);
    follows.value = false;
    own.value = rows[Math.max(0, Math.min(rows.length - 1, at + by))]?.id ?? null;
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "ArrowRight" || event.key === "PageDown") turn(1);
      else if (event.key === "ArrowLeft" || event.key === "PageUp") turn(-1);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  const open = (row === undefined ? [] : resolution.byProvision.value.get(row.id) ?? []).filter((one) => one.status !== "rejected" && one.status !== "withdrawn");
  const collide = open.filter((one) => one.collides_with.length > 0);
  return (
    <div class={`projector ${dark.value ? "dark" : ""} ${names.value ? "" : "nameless"}`}>
      <header>
        <a href={`/documents/${id}`} onClick={follow}>{resolution.document.value?.symbol ?? "codraft"}</a>
        <strong>{row === undefined ? "" : placeOf(row)}</strong>
        {!resolution.reached.value && <span class="away" role="status">{t("projectorAway")}</span>}
        {collide.length > 0 && <span class="collision-sign"><span aria-hidden="true">⚠ </span>{t("collision")}</span>}
      </header>
      <main>
        {row === undefined ? <p class="wait">{t(resolution.attribution.value === null ? "loading" : wanted === undefined ? "projectorEmpty" : "projectorGone")}</p> : (
          <Fitted key={`${row.id} ${names.value}`} sign={t("projectorMore")}>
            {collide.length === 0
              ? <p dir="auto">{row.enumerator} <MarkedText runs={seen(row.runs, "marked", null)} /></p>
              : (
                <>
                  <p class="agreed" dir="auto"><span class="caption">{t("baselineText")}</span> {row.enumerator} {seen(row.runs, "baseline", null).map((run) => run.text).join("")}</p>
                  {collide.map((one) => <Alternative key={one.id} proposal={one} />)}
                  {open.filter((one) => one.collides_with.length === 0).map((one) => <Alternative key={one.id} proposal={one} />)}
                </>
              )}
          </Fitted>
        )}
      </main>
      <footer>
        <label class="check"><input type="checkbox" checked={follows.value} onChange={(event) => { follows.value = event.currentTarget.checked; }} /> {t("projectorFollow")}</label>
        <button onClick={() => turn(-1)}>{t("previous")}</button>
        <button onClick={() => turn(1)}>{t("next")}</button>
        <label class="check"><input type="checkbox" checked={names.value} onChange={(event) => { names.value = event.currentTarget.checked; }} /> {t("names")}</label>
        <button onClick={() => { dark.value = !dark.value; }}>{t(dark.value ? "lightRoom" : "darkRoom")}</button>
      </footer>
    </div>
  );
}

/** One version of the words, in its brackets, with the names of those who hold it. */
function Alternative({ proposal }: { proposal: Proposal }) {
  return (
    <p class="alternative" dir="auto">
      <span class="bracket">[</span>
      <span class="holders">{proposal.sponsors.map((code) => <Who key={code} code={code} />)} </span>
      <MarkedText runs={asOnPaper(proposal.segments.map(runOf))} />
      <span class="bracket">]</span>
    </p>
  );
}

/** Words as large as fits the screen; where even small ones do not fit, a sign says that there is more. */
function Fitted({ children, sign }: { children: ComponentChildren; sign: string }) {
  const box = useRef<HTMLDivElement>(null);
  const more = useSignal(false);
  useLayoutEffect(() => {
    const fit = () => {
      const element = box.current;
      if (element === null) return;
      let size = SIZES.most;
      const overflows = () => element.scrollHeight > element.clientHeight + 1;
      do element.style.fontSize = `${size}vw`;
      while (overflows() && (size -= SIZES.step) > SIZES.least);
      look();
    };
    const look = () => {
      const element = box.current;
      if (element !== null) more.value = element.scrollTop + element.clientHeight < element.scrollHeight - 2;
    };
    fit();
    const element = box.current;
    element?.addEventListener("scroll", look);
    const watch = new ResizeObserver(fit);
    if (element !== null) watch.observe(element);
    return () => {
      element?.removeEventListener("scroll", look);
      watch.disconnect();
    };
  }, [children]);
  return (
    <>
      <div class="fitted" ref={box} tabIndex={0}>{children}</div>
      {more.value && <p class="more" role="status">▼ {sign}</p>}
    </>
  );
}
