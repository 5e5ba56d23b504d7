import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { type Decision, get, isOpen, numberOf, type Preview, type Screen, send } from "../api";
import { nameOf } from "../delegations";
import { asOnPaper, runOf } from "../marks";
import { Resolution } from "../resolution";
import { follow } from "../route";
import { told } from "../told";
import { me, rules } from "../visitor";
import { count, list, t } from "../words";
import { Banners } from "./Banners";
import { Comments } from "./Comments";
import { History, RULINGS } from "./History";
import { MarkedText } from "./MarkedText";
import { PreviewDialog } from "./PreviewDialog";
import { Reasons, StatusChip } from "./ProposalCard";
import { RoundControl } from "./RoundControl";
import { TopBar } from "./TopBar";
import { Whos } from "./Who";

const KEYS: Record<string, Decision> = { a: "adopt", r: "reject", b: "bracket", d: "defer" };

/** The chair's desk: every proposal, collisions first, a key a ruling. */
export function ChairPage({ id }: { id: string }) {
  const resolution = useMemo(() => new Resolution(id, false), [id]);
  useEffect(() => {
    void resolution.open();
    return () => resolution.close();
  }, [resolution]);
  const chosen = useSignal<string | null>(null);
  const reason = useSignal("");
  const said = useSignal<{ good: boolean; words: string; ruled?: string } | null>(null);
  const names = useSignal(true);
  const preview = useSignal<Preview | null>(null);
  const groups = useComputed(() => {
    const open = resolution.proposals.value.filter(isOpen);
    return [
      { title: t("collidesFirst"), list: open.filter((one) => one.collides_with.length > 0) },
      { title: t("otherProposals"), list: open.filter((one) => one.collides_with.length === 0) },
      { title: t("settledProposals"), list: resolution.proposals.value.filter((one) => !isOpen(one)) },
    ].filter((group) => group.list.length > 0);
  });
  const ordered = useComputed(() => groups.value.flatMap((group) => group.list));
  // By its number, which it keeps. What is no longer there is not silently another one: a key would rule on that.
  const chosenOne = useComputed(() => (chosen.value === null ? ordered.value[0] : ordered.value.find((one) => numberOf(one) === chosen.value)));
  const [order, current] = [ordered.value, chosenOne.value];
  // The first one, too, stays in view when a list that has grown has another first one.
  useEffect(() => { if (chosen.value === null && current !== undefined) chosen.value = numberOf(current); }, [current]);
  const mayRule = me.value?.account.role === "chair";

  const fails = (error: unknown) => {
    said.value = { good: false, words: told(error) };
  };
  // What keys do is about what is chosen when they are pressed, not when the page was last drawn.
  const rule = async (decision: Decision) => {
    const [order, current] = [ordered.value, chosenOne.value];
    if (current === undefined || !mayRule) return;
    const revisit = (current.history ?? []).some((one) => RULINGS.has(one.what));
    // On to the next one at once: a late answer must never take the chair away from what was chosen meanwhile.
    const next = order[order.indexOf(current) + 1];
    if (next !== undefined) chosen.value = numberOf(next);
    try {
      await send("POST", `/documents/${id}/rulings`, { rulings: [{ proposal: numberOf(current), decision, reason: reason.value, revisit }] });
      said.value = { good: true, words: t("ruled", { proposal: numberOf(current), decision: t(decision) }), ruled: numberOf(current) };
      reason.value = "";
      await resolution.refresh();
    } catch (error) {
      if (next !== undefined && chosen.value === numberOf(next)) chosen.value = numberOf(current);
      fails(error);
    }
  };
  const consensual = async () => {
    const some = ordered.value.filter((one) => one.status === "tabled" && one.collides_with.length === 0).length;
    if (some === 0 || !confirm(count("consensualSure", some))) return;
    await send("POST", `/documents/${id}/rulings`, { rulings: [], consensual: true, reason: reason.value }).then(() => {
      said.value = { good: true, words: count("adoptedConsensual", some) };
      return resolution.refresh();
    }, fails);
  };
  const show = async () => {
    const current = chosenOne.value;
    if (current === undefined) return;
    await send("PUT", `/documents/${id}/screen`, { provision: current.provision.id, names: names.value })
      .then(() => { said.value = { good: true, words: t("projectorShown") }; }, fails);
  };
  const look = async () => {
    const current = chosenOne.value;
    if (current === undefined) return;
    await send<Preview>("POST", `/documents/${id}/preview`, { adopt: [numberOf(current)] }).then((answer) => { preview.value = answer; }, fails);
  };
  useEffect(() => {
    get<Screen>(`/documents/${id}/screen`).then((screen) => { names.value = screen.names; }, () => undefined);
  }, [id]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || (event.target as HTMLElement).closest("input:not([type=checkbox]), textarea, select, dialog")) return;
      const decision = KEYS[event.key.toLowerCase()];
      const [order, current] = [ordered.value, chosenOne.value];
      const at = current === undefined ? -1 : order.indexOf(current);
      const to = event.key === "ArrowDown" || event.key === "j" ? order[at + 1] : event.key === "ArrowUp" || event.key === "k" ? order[at - 1] : undefined;
      if (decision !== undefined) void rule(decision);
      else if (event.key.toLowerCase() === "s") void show();
      else if (to !== undefined) chosen.value = numberOf(to);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  useEffect(() => { document.querySelector('.desk [aria-current="true"]')?.scrollIntoView({ block: "nearest" }); }, [current?.id]);

  if (!rules.value) return <main class="narrow"><h1>{t("forbiddenView")}</h1><a href={`/documents/${id}`} onClick={follow}>{t("textView")}</a></main>;
  return (
    <div class="chair">
      <TopBar title={<><span class="symbol">{resolution.document.value?.symbol}</span> <h1 dir="auto">{resolution.document.value?.title}</h1></>} />
      <div class="tools" role="toolbar" aria-label={t("chairView")}>
        <a class="button" href={`/documents/${id}`} onClick={follow}>{t("textView")}</a>
        <a class="button" href={`/documents/${id}/projector`} onClick={follow}>{t("projectorView")}</a>
        <RoundControl resolution={resolution} onProblem={fails} />
        {mayRule && <button onClick={() => void consensual()}>{t("adoptConsensual")}</button>}
      </div>
      <Banners resolution={resolution} />
      <main class="desk">
        <nav aria-label={t("allProposals")}>
          {resolution.attribution.value !== null && order.length === 0 && <p class="nothing">{t("noProposals")}</p>}
          {groups.value.map((group) => (
            <section key={group.title}>
              <h2>{group.title}</h2>
              <ul>
                {group.list.map((one) => (
                  <li key={one.id}>
                    <button class="row" aria-current={one.id === current?.id} onClick={() => { chosen.value = numberOf(one); }}>
                      <span class="place">{resolution.placeOf(one.provision)}</span>
                      <span class="mark">{one.mark}</span>
                      <Whos codes={one.sponsors} />
                      <StatusChip proposal={one} />
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </nav>
        {current === undefined ? <section class="matter"><p>{t("nothingSelected")}</p></section> : (
          <section class="matter" aria-label={`${resolution.placeOf(current.provision)}, ${current.mark}`}>
            <h2>{resolution.placeOf(current.provision)} <span class="number">{current.number}</span></h2>
            <p><span class="mark">{current.mark}</span> <Whos codes={current.sponsors} /> <StatusChip proposal={current} /></p>
            <p class="proposed" dir="auto"><MarkedText runs={asOnPaper(current.segments.map(runOf))} /></p>
            <Reasons proposal={current} />
            <Comments resolution={resolution} comments={resolution.commentsOn.value.get(current.provision.id) ?? []} unsent={resolution.unsentOn.value.get(current.provision.id) ?? []} />
            {current.collides_with.length > 0 && (
              <div class="against">
                <h3><span aria-hidden="true">⚠ </span>{t("collidesWith", { who: list(current.collides_with.flatMap((other) => order.find((one) => one.id === other)?.sponsors ?? []).map(nameOf)) })}</h3>
                {order.filter((one) => current.collides_with.includes(one.id)).map((one) => (
                  <p key={one.id} class="proposed" dir="auto"><Whos codes={one.sponsors} /> <MarkedText runs={asOnPaper(one.segments.map(runOf))} /></p>
                ))}
              </div>
            )}
            {mayRule && (
              <div class="verdicts">
                <input aria-label={t("rulingReason")} placeholder={t("rulingReason")} dir="auto" value={reason.value} onInput={(event) => { reason.value = event.currentTarget.value; }} />
                <div class="row-of">
                  {(Object.entries(KEYS) as [string, Decision][]).map(([key, decision]) => (
                    <button key={key} class={decision === "adopt" ? "main" : ""} aria-keyshortcuts={key} onClick={() => void rule(decision)}>{t(decision)} <kbd>{key.toUpperCase()}</kbd></button>
                  ))}
                  {isOpen(current) && <button onClick={() => void look()}>{t("preview")}</button>}
                </div>
                {!["tabled", "late"].includes(current.status) && <p class="hint">{t("rulingAgain")}</p>}
              </div>
            )}
            <div class="row-of">
              <button onClick={() => void show()} aria-keyshortcuts="s">{t("projectorShow")} <kbd>S</kbd></button>
              <label class="check"><input type="checkbox" checked={names.value} onChange={(event) => { names.value = event.currentTarget.checked; }} /> {t("projectorNames")}</label>
            </div>
            {mayRule && <p class="hint">{t("keys")}</p>}
            <div role="status">{said.value !== null && (
              <p class={`notice ${said.value.good ? "good" : "bad"}`}>{said.value.words}
                {said.value.ruled !== undefined && said.value.ruled !== numberOf(current) && <>{" "}<button class="quiet" onClick={() => { chosen.value = said.value?.ruled ?? null; }}>{t("ruleAnew")}</button></>}
              </p>
            )}</div>
            <History proposal={current} />
          </section>
        )}
      </main>
      {preview.value !== null && <PreviewDialog preview={preview.value} close={() => { preview.value = null; }} />}
    </div>
  );
}
