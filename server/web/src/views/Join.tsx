import { useState } from "preact/hooks";
import { go } from "../route";
import { comeIn, me, refusal } from "../visitor";
import { t } from "../words";
import { Foot } from "./Foot";
import { LanguageChoice } from "./LanguageChoice";

/** For whoever is not in: takes an invitation. */
export function Join() {
  const [token, setToken] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    // A whole link may be pasted, too.
    await comeIn(token.trim().split("#").pop() ?? "");
    setBusy(false);
    if (me.value && location.pathname === "/join") go("/", true);
  };
  return (
    <>
      <main class="narrow join">
        <h1>{t("joinTitle")}</h1>
        <p>{t("joinAsk")}</p>
        {refusal.value !== null && <p class="notice bad" role="alert">{refusal.value}</p>}
        <form onSubmit={submit}>
          <label>{t("joinLabel")}
            <input type="password" autocomplete="off" required value={token} onInput={(event) => setToken(event.currentTarget.value)} />
          </label>
          <button class="main" disabled={busy}>{t("joinButton")}</button>
        </form>
        <LanguageChoice />
      </main>
      <Foot />
    </>
  );
}
