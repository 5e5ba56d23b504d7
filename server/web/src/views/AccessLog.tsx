import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type AccessEntry, get } from "../api";
import { count, t, when } from "../words";
import type { Word } from "../words/en";

const KINDS: Record<string, Word> = {
  login: "kind_login", "login-refused": "kind_loginRefused", refused: "kind_refused", export: "kind_export", invited: "kind_invited",
  revoked: "kind_revoked", ticket: "kind_ticket",
};
/** As many at a time. */
const PAGE = 50;

/** Who came in, who was refused, what was taken out: the newest first. */
export function AccessLog({ fails }: { fails(error: unknown): void }) {
  const entries = useSignal<AccessEntry[]>([]);
  const oldest = useSignal(false);
  const more = () => {
    const last = entries.value.at(-1);
    const before = last === undefined ? "" : `&before=${last.number}`;
    get<{ entries: AccessEntry[] }>(`/access-log?limit=${PAGE}${before}`).then((answer) => {
      entries.value = [...entries.value, ...answer.entries.reverse()];
      oldest.value = answer.entries.length < PAGE;
    }, fails);
  };
  useEffect(more, []);
  return (
    <section>
      <h2>{t("accessTitle")}</h2>
      <div class="long" tabIndex={0} role="region" aria-label={t("accessTitle")}>
        <table>
          <thead><tr><th>{t("logWhen")}</th><th>{t("logWhat")}</th><th>{t("account")}</th><th>{t("logFrom")}</th><th>{t("logAbout")}</th></tr></thead>
          <tbody>{entries.value.map((one) => <Entry key={one.number} one={one} />)}</tbody>
        </table>
        {!oldest.value && <button class="quiet" onClick={more}>{t("logMore")}</button>}
      </div>
    </section>
  );
}

function Entry({ one }: { one: AccessEntry }) {
  const kind = KINDS[one.kind];
  return (
    <tr>
      <td>{when(one.at)}</td>
      <td>{kind === undefined ? one.kind : t(kind)}</td>
      <td><code>{one.account ?? one.claimed ?? ""}</code></td>
      <td><code>{one.address}</code></td>
      <td dir="auto">{one.detail} {one.left_out > 0 && count("logLeftOut", one.left_out)}</td>
    </tr>
  );
}
