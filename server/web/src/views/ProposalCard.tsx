import { useSignal } from "@preact/signals";
import { isOpen, type Proposal, send } from "../api";
import { named } from "../delegations";
import { asOnPaper, runOf } from "../marks";
import type { Resolution } from "../resolution";
import { told } from "../told";
import { me } from "../visitor";
import { t } from "../words";
import { Card } from "./Card";
import { Happened, RULINGS } from "./History";
import { MarkedText } from "./MarkedText";
import { Whos } from "./Who";

/** A proposal, one line until it is opened. */
export function ProposalCard({ proposal, resolution }: { proposal: Proposal; resolution: Resolution }) {
  const sponsors = resolution.sponsors.value;
  const who = (ids: string[]) => [...new Set(ids.flatMap((id) => sponsors.get(id) ?? []))];
  const collides = who(proposal.collides_with);
  return (
    <Card kind={collides.length > 0 ? "collides" : ""} summary={
      <>
        <span class="mark" title={t(`mark_${proposal.mark}`)}>{proposal.mark}</span>
        {proposal.number !== undefined && <span class="number">{proposal.number}</span>}
        <Whos codes={proposal.sponsors} />
        <StatusChip proposal={proposal} />
        {collides.length > 0 && <span class="collision" title={t("collidesWith", { who: named(collides) })}><span aria-hidden="true">⚠ {collides.join(" ")}</span><span class="unseen">{t("collidesWith", { who: named(collides) })}</span></span>}
      </>
    }>
      {collides.length > 0 && <p class="collision"><span aria-hidden="true">⚠ </span>{t("collidesWith", { who: named(collides) })}</p>}
      {proposal.amends.length > 0 && <p class="amends">{t("amendsWho", { who: named(who(proposal.amends)) })}</p>}
      <p class="proposed" dir="auto"><MarkedText runs={asOnPaper(proposal.segments.map(runOf))} /></p>
      <Reasons proposal={proposal} />
      <LastRuling proposal={proposal} />
      <Sponsoring proposal={proposal} />
    </Card>
  );
}

/** Where a proposal stands; nothing where it is simply proposed. */
export function StatusChip({ proposal }: { proposal: Proposal }) {
  return (
    <>
      {proposal.late && proposal.status !== "late" && <span class="status late">{t("status_late")}</span>}
      {proposal.status !== "tabled" && <span class={`status ${proposal.status}`}>{t(`status_${proposal.status}`)}</span>}
    </>
  );
}

export function Reasons({ proposal }: { proposal: Proposal }) {
  const reasons = proposal.reasons ?? [];
  return reasons.length === 0 ? null : (
    <ul class="reasons">{reasons.map((one, at) => <li key={at} dir="auto"><b>{one.by}</b> {one.text}</li>)}</ul>
  );
}

/** What was ruled last, and why: of what no longer stands the sponsors learn the reason here. */
function LastRuling({ proposal }: { proposal: Proposal }) {
  const last = (proposal.history ?? []).findLast((one) => RULINGS.has(one.what));
  return last === undefined ? null : <p class="last-ruling" dir="auto"><Happened one={last} /></p>;
}

/** A delegate's own doings: to stand behind a proposal, to leave it, to say why. */
function Sponsoring({ proposal }: { proposal: Proposal }) {
  const words = useSignal("");
  const said = useSignal<string | null>(null);
  const account = me.value?.account;
  if (account?.role !== "delegate" || account.delegation === undefined || proposal.number === undefined) return null;
  const own = proposal.sponsors.includes(account.delegation);
  const path = `/documents/${proposal.document}/proposals/${encodeURIComponent(proposal.number)}`;
  const does = (method: "POST" | "DELETE", what: string, body?: unknown) => {
    send(method, `${path}/${what}`, body).then(
      () => { said.value = null; words.value = ""; },
      // Nothing typed is lost: the field keeps it.
      (error: unknown) => { said.value = told(error); },
    );
  };
  return (
    <div class="sponsoring">
      {isOpen(proposal) && (own
        ? <button onClick={() => does("DELETE", "sponsors")}>{t("withdraw")}</button>
        : <button onClick={() => does("POST", "sponsors")}>{t("sponsor")}</button>)}
      {own && (
        <form onSubmit={(event) => { event.preventDefault(); does("POST", "reasons", { text: words.value }); }}>
          <input aria-label={t("reason")} placeholder={t("reason")} dir="auto" required value={words.value} onInput={(event) => { words.value = event.currentTarget.value; }} />
          <button>{t("giveReason")}</button>
        </form>
      )}
      {said.value !== null && <p class="notice bad" role="alert">{said.value}</p>}
    </div>
  );
}
