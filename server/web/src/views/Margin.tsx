import type { Proposal, Segment } from "../api";
import { nameOf } from "../delegations";
import type { Run } from "../marks";
import { list, t } from "../words";
import { MarkedText } from "./MarkedText";
import { Whos } from "./Who";

/** The proposals on one provision, beside it. */
export function Margin({ proposals, all, place }: { proposals: Proposal[]; all: Proposal[]; place: string }) {
  if (proposals.length === 0) return <aside class="margin" aria-hidden="true" />;
  return (
    <aside class="margin" aria-label={t("proposalsFor", { place })}>
      {proposals.map((one) => <ProposalCard key={one.id} proposal={one} all={all} />)}
    </aside>
  );
}

export function ProposalCard({ proposal, all }: { proposal: Proposal; all: Proposal[] }) {
  const who = (ids: string[]) => list([...new Set(ids.flatMap((id) => all.find((one) => one.id === id)?.sponsors ?? []))].map(nameOf));
  return (
    <details class={`card ${proposal.collides_with.length > 0 ? "collides" : ""}`}>
      <summary>
        <span class={`mark mark-${proposal.mark}`} title={t(`mark_${proposal.mark}`)}>{proposal.mark}</span>
        <Whos codes={proposal.sponsors} />
        {proposal.collides_with.length > 0 && <span class="collision"><span aria-hidden="true">⚠ </span>{t("collidesWith", { who: who(proposal.collides_with) })}</span>}
        {proposal.amends.length > 0 && <span class="amends">{t("amendsWho", { who: who(proposal.amends) })}</span>}
      </summary>
      <p class="proposed" dir="auto"><MarkedText runs={proposal.segments.map(runOf)} /></p>
    </details>
  );
}

/** A segment of a proposal, as marked words. */
export function runOf(segment: Segment, at: number, all: Segment[]): Run {
  const space = segment.field === "enumerator" && all[at + 1]?.field === "text" ? " " : "";
  return {
    text: segment.text + space,
    by: segment.kind === "inserted" ? segment.by : segment.of === undefined ? [] : [segment.of],
    struckBy: segment.kind === "struck" ? segment.by : [],
    baseline: segment.kind !== "inserted" && segment.of === undefined,
    fresh: false,
  };
}
