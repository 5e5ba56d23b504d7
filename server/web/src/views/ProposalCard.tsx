import { useSignal } from "@preact/signals";
import { type Proposal, send } from "../api";
import { nameOf } from "../delegations";
import { asOnPaper, runOf } from "../marks";
import type { Resolution } from "../resolution";
import { told } from "../told";
import { me } from "../visitor";
import { list, t } from "../words";
import { MarkedText } from "./MarkedText";
import { Whos } from "./Who";

/** A proposal, one line until it is opened. */
export function ProposalCard({ proposal, resolution }: { proposal: Proposal; resolution: Resolution }) {
  const sponsors = resolution.sponsors.value;
  const who = (ids: string[]) => list([...new Set(ids.flatMap((id) => sponsors.get(id) ?? []))].map(nameOf));
  return (
    <details class={`card ${proposal.collides_with.length > 0 ? "collides" : ""}`}>
      <summary>
        <span class="mark" title={t(`mark_${proposal.mark}`)}>{proposal.mark}</span>
        {proposal.number !== undefined && <span class="number">{proposal.number}</span>}
        <Whos codes={proposal.sponsors} />
        <StatusChip proposal={proposal} />
        {proposal.collides_with.length > 0 && <span class="collision"><span aria-hidden="true">⚠ </span>{t("collidesWith", { who: who(proposal.collides_with) })}</span>}
        {proposal.amends.length > 0 && <span class="amends">{t("amendsWho", { who: who(proposal.amends) })}</span>}
      </summary>
      <p class="proposed" dir="auto"><MarkedText runs={asOnPaper(proposal.segments.map(runOf))} /></p>
      <Reasons proposal={proposal} />
      <Sponsoring proposal={proposal} />
    </details>
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
      {own
        ? <button onClick={() => does("DELETE", "sponsors")}>{t("withdraw")}</button>
        : <button onClick={() => does("POST", "sponsors")}>{t("sponsor")}</button>}
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
