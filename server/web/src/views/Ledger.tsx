import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, type LedgerEntry } from "../api";
import { t, when } from "../words";
import type { Word } from "../words/en";
import { Who } from "./Who";

const ACTS: Record<string, Word> = {
  open: "act_open", deadline: "act_deadline", close: "act_close", conclude: "act_conclude", number: "act_number", rule: "act_rule", join: "act_join",
  withdraw: "act_withdraw", reason: "act_reason", comment: "act_comment", reply: "act_reply", resolve: "act_resolve", collapse: "act_collapse",
  settle: "act_settle", renumber: "act_renumber", move: "act_move",
};

/** What an entry is about, in words. */
function about(one: LedgerEntry): string {
  const of = [
    one.round === undefined ? "" : t("round", { n: one.round }), one.deadline === undefined ? "" : when(one.deadline),
    ...(one.rulings ?? []).map((ruling) => [`${ruling.number}: ${t(ruling.decision)}`, ruling.reason ?? ""].filter((words) => words !== "").join(" – ")),
    one.number ?? "", one.comment === undefined ? "" : `№ ${one.comment}`, one.act === "conclude" ? "" : one.text ?? "",
    ...(one.numbered ?? []).map((numbered) => numbered.number),
  ];
  return of.filter((words) => words !== "").join(" · ");
}

/** What was decided and said about a resolution, by whom and when: the newest first. */
export function Ledger({ id, fails }: { id: string; fails(error: unknown): void }) {
  const entries = useSignal<LedgerEntry[]>([]);
  useEffect(() => {
    get<{ entries: LedgerEntry[] }>(`/documents/${id}/ledger`).then((answer) => { entries.value = answer.entries.reverse(); }, fails);
  }, [id]);
  return (
    <>
      <h2>{t("auditTitle")}</h2>
      <p class="hint">{t("auditHint")}</p>
      {entries.value.length === 0 ? <p>{t("auditNone")}</p> : (
        <div class="long" tabIndex={0} role="region" aria-label={t("auditTitle")}>
          <table>
            <thead><tr><th>{t("logWhen")}</th><th>{t("logWho")}</th><th>{t("logWhat")}</th><th>{t("logAbout")}</th></tr></thead>
            <tbody>{entries.value.map((one) => <Entry key={one.entry} one={one} />)}</tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Entry({ one }: { one: LedgerEntry }) {
  const { account, role, delegation } = one.by;
  const act = ACTS[one.act];
  return (
    <tr>
      <td>{when(one.at)}</td>
      <td>{role === "delegate" && delegation !== undefined ? <Who code={delegation} /> : t(`role_${role ?? "server"}`)} {account !== "" && <code>{account}</code>}</td>
      <td>{act === undefined ? one.act : t(act)}</td>
      <td dir="auto">{about(one)}</td>
    </tr>
  );
}
