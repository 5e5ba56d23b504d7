import type { Happening, Proposal } from "../api";
import { t, when } from "../words";
import type { Word } from "../words/en";
import { Speaker } from "./Said";

/** What the chair does with a proposal, and what follows from it. */
export const RULINGS: ReadonlySet<string> = new Set(["adopt", "adopt-part", "reject", "bracket", "defer", "fell"]);

const WHAT: Record<string, Word> = {
  numbered: "did_numbered", joined: "did_joined", withdrew: "did_withdrew", reasons: "did_reasons", adopt: "did_adopt", "adopt-part": "did_adoptPart",
  reject: "did_reject", bracket: "did_bracket", defer: "did_defer", fell: "did_fell", "carried-over": "did_carriedOver",
};

/** One thing that happened to a proposal: who, what, why. */
export function Happened({ one }: { one: Happening }) {
  const what = WHAT[one.what];
  return <><Speaker by={one.by} /> {what === undefined ? one.what : t(what)}{one.reason ? `: ${one.reason}` : ""}</>;
}

/** Everything that happened to a proposal. */
export function History({ proposal }: { proposal: Proposal }) {
  const history = proposal.history ?? [];
  if (history.length === 0) return null;
  return (
    <details>
      <summary>{t("history")}</summary>
      <ul class="history">{history.map((one, at) => <li key={at}><time dateTime={one.at}>{when(one.at)}</time> · <Happened one={one} /></li>)}</ul>
    </details>
  );
}
