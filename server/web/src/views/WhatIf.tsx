import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Collision, isOpen, numberOf, type Preview, read, send } from "../api";
import { asOnPaper, runOf } from "../marks";
import type { Resolution } from "../resolution";
import { told } from "../told";
import { count, list, t } from "../words";
import { MarkedText } from "./MarkedText";
import { StatusChip } from "./ProposalCard";
import { Whos } from "./Who";

const lines = (text: string) => text.split(/\r?\n/);

/** What the agreed text would be with chosen proposals adopted, and what would still collide. Nothing is ruled. */
export function WhatIf({ resolution }: { resolution: Resolution }) {
  const ticked = useSignal<ReadonlySet<string>>(new Set());
  const preview = useSignal<Preview | null>(null);
  const problem = useSignal<string | null>(null);
  const agreed = useSignal<ReadonlySet<string> | null>(null);
  const open = useComputed(() => resolution.proposals.value.filter(isOpen));
  // What was decided meanwhile is no longer to be tried.
  const adopt = useComputed(() => open.value.filter((one) => ticked.value.has(numberOf(one))).map(numberOf));
  useEffect(() => {
    let late = false;
    const [then, now] = [
      send<Preview>("POST", `/documents/${resolution.id}/preview`, { adopt: adopt.value }), read(`/documents/${resolution.id}/text?view=baseline`),
    ];
    Promise.all([then, now]).then(
      ([answer, text]) => { if (!late) [preview.value, agreed.value, problem.value] = [answer, new Set(lines(text)), null]; },
      (error: unknown) => {
        if (!late) problem.value = told(error, t("whatIfOffline"));
      },
    );
    return () => { late = true; };
    // Also when anybody has changed anything.
  }, [adopt.value.join(), resolution.proposals.value]);
  const tick = (name: string, yes: boolean) => {
    const next = new Set(ticked.value);
    if (yes) next.add(name);
    else next.delete(name);
    ticked.value = next;
  };
  const chosen = open.value.filter((one) => ticked.value.has(numberOf(one)));
  const clash = chosen.filter((one) => chosen.some((other) => one.collides_with.includes(other.id)));
  return (
    <div class="what-if">
      <section class="choice" aria-label={t("whatIfChoose")}>
        <h2>{t("whatIfChoose")}</h2>
        <div class="row-of">
          <button onClick={() => { ticked.value = new Set(open.value.filter((one) => one.collides_with.length === 0).map(numberOf)); }}>{t("whatIfConsensual")}</button>
          <button onClick={() => { ticked.value = new Set(); }}>{t("whatIfNone")}</button>
        </div>
        {clash.length > 0 && <p class="notice warn" role="status">{t("whatIfClash", { who: list(clash.map(numberOf)) })}</p>}
        {open.value.length === 0 && <p class="nothing">{t("noProposals")}</p>}
        <ul>
          {open.value.map((one) => (
            <li key={one.id}>
              <label>
                <input type="checkbox" checked={ticked.value.has(numberOf(one))} onChange={(event) => tick(numberOf(one), event.currentTarget.checked)} />
                <span>
                  <span class="place">{resolution.placeOf(one.provision)}</span> <span class="mark">{one.mark}</span> <span class="number">{one.number}</span>{" "}
                  <Whos codes={one.sponsors} /> <StatusChip proposal={one} />
                  <span class="proposed" dir="auto"><MarkedText runs={asOnPaper(one.segments.map(runOf))} /></span>
                </span>
              </label>
            </li>
          ))}
        </ul>
      </section>
      <section class="outcome" aria-label={t("whatIfOutcome")}>
        <h2 aria-live="polite">{count("whatIfAdopted", chosen.length)}</h2>
        {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
        {preview.value !== null && <Remaining resolution={resolution} collisions={preview.value.collisions} />}
        <article class="sheet" aria-label={t("resolutionLabel")}>
          {lines(preview.value?.text ?? "").map((line, at) => <p key={at} dir="auto" class={agreed.value?.has(line) === false ? "changed" : ""}>{line}</p>)}
        </article>
      </section>
    </div>
  );
}

function Remaining({ resolution, collisions }: { resolution: Resolution; collisions: Collision[] }) {
  if (collisions.length === 0) return <p class="notice good">{t("whatIfNoCollision")}</p>;
  return (
    <div class="notice warn">
      <strong>{count("whatIfCollisions", collisions.length)}</strong>
      <ul>{collisions.map((one, at) => <li key={at} dir="auto"><span class="place">{resolution.placeOf(one.provision)}</span> {list(one.proposals)}: {one.bracketed}</li>)}</ul>
    </div>
  );
}
