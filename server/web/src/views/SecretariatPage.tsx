import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { renderSVG } from "uqr";
import { type Delegations, type Document, get, type Imported, type Invitation, type Role, send } from "../api";
import { delegations, nameOf } from "../delegations";
import { follow } from "../route";
import { told } from "../told";
import { me } from "../visitor";
import { t, when } from "../words";
import { AccessLog } from "./AccessLog";
import { Copy } from "./Copy";
import { Exports } from "./Exports";
import { Ledger } from "./Ledger";
import { Quarantine } from "./Quarantine";
import { TopBar } from "./TopBar";
import { Who } from "./Who";

/** The secretariat's desk: resolutions, people, exports, what was refused. */
export function SecretariatPage() {
  const documents = useSignal<Document[]>([]);
  const people = useSignal<Delegations>({ delegations: [], accounts: [] });
  const problem = useSignal<string | null>(null);
  const fails = (error: unknown) => { problem.value = told(error); };
  const load = async () => {
    try {
      const [all, who] = await Promise.all([get<{ documents: Document[] }>("/documents"), get<Delegations>("/delegations")]);
      documents.value = all.documents;
      people.value = who;
      delegations.value = who.delegations;
      problem.value = null;
    } catch (error) {
      fails(error);
    }
  };
  useEffect(() => void load(), []);
  if (me.value?.account.role !== "secretariat") return <main class="narrow"><h1>{t("forbiddenView")}</h1><a href="/" onClick={follow}>{t("back")}</a></main>;
  return (
    <>
      <TopBar title={<h1>{t("secretariatView")}</h1>} />
      <main class="narrow secretariat">
        {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
        <Import done={() => void load()} fails={fails} />
        <People people={people.value} done={() => void load()} fails={fails} />
        <OneResolution documents={documents.value} fails={fails} />
        <AccessLog fails={fails} />
      </main>
    </>
  );
}

interface Doing { done(): void; fails(error: unknown): void }

function Import({ done, fails }: Doing) {
  const [symbol, text] = [useSignal(""), useSignal("")];
  const imported = useSignal<Imported | null>(null);
  const drop = async (event: DragEvent) => {
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    text.value = await file.text();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    send<Imported>("POST", "/documents", { symbol: symbol.value, text: text.value }).then((answer) => {
      imported.value = answer;
      text.value = "";
      done();
    }, fails);
  };
  return (
    <section>
      <h2>{t("importTitle")}</h2>
      <form onSubmit={submit}>
        <label>{t("importSymbol")} <input value={symbol.value} onInput={(event) => { symbol.value = event.currentTarget.value; }} /></label>
        <label>{t("importText")}
          <textarea rows={6} required dir="auto" placeholder={t("importDrop")} value={text.value} onDrop={(event) => void drop(event)} onDragOver={(event) => event.preventDefault()}
            onInput={(event) => { text.value = event.currentTarget.value; }} />
        </label>
        <button class="main">{t("importButton")}</button>
      </form>
      {imported.value !== null && (
        <div class="notice good" role="status">
          <a href={`/documents/${imported.value.document.id}`} onClick={follow}>{t("imported", { title: imported.value.document.title })}</a>
          {imported.value.warnings.length > 0 && (
            <>
              <p>{t("importWarnings")}</p>
              <ul>{imported.value.warnings.map((one, at) => (
                <li key={at}>{one.line}: <q>{one.run}</q> {one.candidates.slice(0, 2).map((split, n) => <span key={n}> <del class="tone-none">{split.struck}</del> <ins class="tone-none">{split.inserted}</ins></span>)}</li>
              ))}</ul>
            </>
          )}
        </div>
      )}
    </section>
  );
}

function People({ people, done, fails }: Doing & { people: Delegations }) {
  const [code, name] = [useSignal(""), useSignal("")];
  const [role, delegation] = [useSignal<Role>("delegate"), useSignal("")];
  const invited = useSignal<Invitation | null>(null);
  const take = (answer: Invitation) => {
    invited.value = answer;
    done();
  };
  const add = (event: Event) => {
    event.preventDefault();
    send<Invitation>("POST", "/delegations", { code: code.value.trim().toUpperCase(), name: name.value }).then((answer) => {
      [code.value, name.value] = ["", ""];
      take(answer);
    }, fails);
  };
  const invite = (event: Event) => {
    event.preventDefault();
    const whose = role.value === "delegate" || role.value === "observer" ? delegation.value : "";
    send<Invitation>("POST", "/invitations", { role: role.value, ...(whose === "" ? {} : { delegation: whose }) }).then(take, fails);
  };
  const revoke = (id: string) => {
    if (confirm(t("revokeSure", { who: id }))) send("DELETE", `/accounts/${id}`).then(done, fails);
  };
  const roles: Role[] = ["delegate", "observer", "chair", "secretariat"];
  return (
    <section>
      <h2>{t("delegationsTitle")}</h2>
      <form onSubmit={add}>
        <label>{t("delegationCode")} <input required size={6} value={code.value} onInput={(event) => { code.value = event.currentTarget.value; }} /></label>
        <label>{t("delegationName")} <input required value={name.value} onInput={(event) => { name.value = event.currentTarget.value; }} /></label>
        <button class="main">{t("delegationAdd")}</button>
      </form>
      <form onSubmit={invite}>
        <label>{t("inviteRole")}
          <select value={role.value} onChange={(event) => { role.value = event.currentTarget.value as Role; }}>{roles.map((one) => <option key={one} value={one}>{t(`role_${one}`)}</option>)}</select>
        </label>
        {(role.value === "delegate" || role.value === "observer") && (
          <label>{t("inviteDelegation")}
            <select required={role.value === "delegate"} value={delegation.value} onChange={(event) => { delegation.value = event.currentTarget.value; }}>
              <option value="" />{people.delegations.map((one) => <option key={one.code} value={one.code}>{one.code} {one.name}</option>)}
            </select>
          </label>
        )}
        <button>{t("inviteButton")}</button>
      </form>
      {invited.value !== null && <Invited invitation={invited.value} />}
      <table>
        <thead><tr><th>{t("account")}</th><th>{t("inviteRole")}</th><th>{t("inviteDelegation")}</th><th>{t("since")}</th><th /></tr></thead>
        <tbody>
          {people.accounts.map((one) => (
            <tr key={one.id} class={one.revoked ? "revoked" : ""}>
              <td><code>{one.id}</code></td><td>{t(`role_${one.role}`)}</td><td>{one.delegation !== undefined && <><Who code={one.delegation} /> {nameOf(one.delegation)}</>}</td><td>{when(one.created)}</td>
              <td>{one.revoked ? t("revoked") : <button class="quiet" onClick={() => revoke(one.id)} aria-label={`${t("revoke")}: ${one.id}`}>{t("revoke")}</button>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** An invitation, this once, as a link and as a code for a telephone's camera. */
function Invited({ invitation }: { invitation: Invitation }) {
  const link = `${location.origin}/join#${invitation.token}`;
  const image = `data:image/svg+xml,${encodeURIComponent(renderSVG(link))}`;
  return (
    <div class="notice good invitation">
      <div>
        <p><strong>{t("invitationFor", { who: invitation.account.delegation ?? t(`role_${invitation.account.role}`) })}</strong></p>
        <label>{t("invitationLink")} <input readOnly value={link} onFocus={(event) => event.currentTarget.select()} /></label>
        <Copy text={link} />
      </div>
      <img src={image} alt={t("invitationQr")} width="180" height="180" />
    </div>
  );
}

/** What there is of one resolution. */
function OneResolution({ documents, fails }: { documents: Document[]; fails(error: unknown): void }) {
  const chosen = useSignal("");
  const id = chosen.value || documents[0]?.id;
  if (id === undefined) return null;
  return (
    <section>
      <h2>{t("roundsTitle")}</h2>
      <label>{t("choose")}
        <select value={id} onChange={(event) => { chosen.value = event.currentTarget.value; }}>{documents.map((one) => <option key={one.id} value={one.id}>{one.symbol} {one.title}</option>)}</select>
      </label>
      <p class="row-of"><a class="button" href={`/documents/${id}`} onClick={follow}>{t("textView")}</a> <a class="button" href={`/documents/${id}/chair`} onClick={follow}>{t("rounds")}</a></p>
      <Exports key={`exports ${id}`} id={id} fails={fails} />
      <Ledger key={`ledger ${id}`} id={id} fails={fails} />
      <Quarantine key={`quarantine ${id}`} id={id} fails={fails} />
    </section>
  );
}
