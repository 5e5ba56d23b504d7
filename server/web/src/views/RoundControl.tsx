import { useSignal } from "@preact/signals";
import { send } from "../api";
import type { Resolution } from "../resolution";
import { me } from "../visitor";
import { t } from "../words";
import { RoundState } from "./RoundState";

/** The round, and what the chair and the secretariat can do with it. */
export function RoundControl({ resolution, onProblem }: { resolution: Resolution; onProblem(error: unknown): void }) {
  const deadline = useSignal("");
  const round = resolution.round.value;
  const role = me.value?.account.role;
  const path = `/documents/${resolution.id}/rounds`;
  const does = (method: "POST" | "PUT", to: string, body?: unknown) =>
    void send(method, to, body).then(() => resolution.refresh(), onProblem);
  const until = () => (deadline.value === "" ? {} : { deadline: new Date(deadline.value).toISOString() });
  const state = round?.state;
  if (role !== "chair" && role !== "secretariat") return <RoundState round={round} />;
  const moment = <label class="check">{t("roundDeadline")} <input type="datetime-local" value={deadline.value} onInput={(event) => { deadline.value = event.currentTarget.value; }} /></label>;
  return (
    <>
      <RoundState round={round} />
      {state === "open" && (
        <>
          <button onClick={() => does("POST", `${path}/close`)}>{t("roundClose")}</button>
          {moment}
          <button onClick={() => does("PUT", `${path}/deadline`, until())}>{t("roundDeadlineSet")}</button>
        </>
      )}
      {role === "secretariat" && state === "closed" && <button onClick={() => { if (confirm(t("concludeSure"))) does("POST", `${path}/conclude`); }}>{t("roundConclude")}</button>}
      {role === "secretariat" && state !== "open" && state !== "closed" && <>{moment}<button onClick={() => does("POST", path, until())}>{t("roundOpen")}</button></>}
    </>
  );
}
