import type { Round } from "../api";
import { t, when } from "../words";

/** Which round it is, and until when. */
export function RoundState({ round }: { round: Round | null }) {
  if (round === null) return null;
  return (
    <span class={`round ${round.state}`}>
      {t("round", { n: round.number })}: {t(`round_${round.state}`)}
      {round.state === "open" && round.deadline !== undefined && `, ${t("roundUntil", { when: when(round.deadline) })}`}
    </span>
  );
}
