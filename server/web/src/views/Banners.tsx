import { useEffect } from "preact/hooks";
import { placeOf } from "../place";
import type { Resolution } from "../resolution";
import { go } from "../route";
import { keep, type Kept, kept, release } from "../kept";
import { writer } from "../visitor";
import { count, list, t } from "../words";
import { Copy } from "./Copy";

/** What happened, in plain words, and what to do: above the text, never in its way. */
export function Banners({ resolution }: { resolution: Resolution }) {
  const replica = resolution.replica.value;
  const link = replica?.connection.link.value;
  return (
    <div class="banners">
      {resolution.link.value === "offline" && (
        <div class="notice warn" role="status">
          <strong>{t("offlineTitle")}</strong> {t(writer.value === null ? "offlineReader" : "offlineWriter")}
        </div>
      )}
      {link?.state === "closed" && <Closed resolution={resolution} code={link.code} reason={link.reason} />}
      {replica?.refused.value != null && link?.state !== "closed" && <Refused resolution={resolution} reason={replica.refused.value} />}
      {resolution.problem.value?.status === 401 && link?.state !== "closed" && (
        <div class="notice bad" role="alert">
          <strong>{t("closedTitle")}</strong> {resolution.problem.value.detail} <button onClick={() => go("/join")}>{t("comeInAgain")}</button>
        </div>
      )}
      {resolution.round.value?.state === "closed" && writer.value !== null && <div class="notice warn" role="status">{t("roundClosedNotice")}</div>}
      <MergedNotice resolution={resolution} />
      <KeptWords resolution={resolution} />
    </div>
  );
}

/** Own words that the server does not have: what this copy says where the server says otherwise. */
function ownWords(resolution: Resolution): Kept[] {
  return resolution.rows.value
    .filter((row) => row.text !== null && row.runs.some((run) => run.fresh))
    .map((row) => ({ place: placeOf(row), words: row.text ?? "" }));
}

function Closed({ resolution, code, reason }: { resolution: Resolution; code: number; reason: string }) {
  const words = ownWords(resolution);
  return (
    <div class="notice bad" role="alert">
      <p><strong>{t("closedTitle")}</strong> {reason}</p>
      {words.length > 0 && <p>{t(code === 4403 ? "refusedWords" : "closedWords")}</p>}
      <WordList words={words} />
      {code === 4403
        ? <StartAfresh resolution={resolution} />
        : <button onClick={() => go("/join")}>{t("comeInAgain")}</button>}
    </div>
  );
}

function Refused({ resolution, reason }: { resolution: Resolution; reason: string }) {
  return (
    <div class="notice bad" role="alert">
      <p><strong>{t("refusedTitle")}</strong> {reason.replace(/^refused:\s*/, "")}</p>
      <p>{t("refusedWords")}</p>
      <WordList words={ownWords(resolution)} />
      <StartAfresh resolution={resolution} />
    </div>
  );
}

function StartAfresh({ resolution }: { resolution: Resolution }) {
  const start = async () => {
    keep(resolution.id, ownWords(resolution));
    await resolution.replica.value?.forget();
    location.reload();
  };
  return <button onClick={() => void start()}>{t("startAfresh")}</button>;
}

function KeptWords({ resolution }: { resolution: Resolution }) {
  const words = kept(resolution.id);
  if (words.length === 0) return null;
  return (
    <section class="notice" aria-label={t("keptTitle")}>
      <p><strong>{t("keptTitle")}</strong></p>
      <WordList words={words} />
      <button onClick={() => release(resolution.id)}>{t("dismiss")}</button>
    </section>
  );
}

function WordList({ words }: { words: Kept[] }) {
  return (
    <ul class="kept">
      {words.map(({ place, words: text }, at) => (
        <li key={at}>
          <span class="place">{place}</span> <q dir="auto">{text}</q> <Copy text={text} />
        </li>
      ))}
    </ul>
  );
}

function MergedNotice({ resolution }: { resolution: Resolution }) {
  const replica = resolution.replica.value;
  const merged = replica?.merged.value ?? null;
  useEffect(() => {
    if (merged === null) return;
    const timer = setTimeout(() => { if (replica !== null) replica.merged.value = null; }, 30_000);
    return () => clearTimeout(timer);
  }, [merged]);
  if (replica === null || merged === null) return null;
  const rows = new Map(resolution.rows.value.map((row) => [row.id, row]));
  const places = merged.provisions.map((id) => rows.get(id)).filter((row) => row !== undefined).map(placeOf);
  return (
    <div class="notice good merged" role="status">
      <strong>{t("mergedTitle")}</strong>{" "}
      {merged.sent > 0 && count("mergedSent", merged.sent)}{" "}
      {merged.received > 0 && `${count("mergedReceived", merged.received)} ${t("mergedWhere", { places: list([...new Set(places)].slice(0, 8)) })}`}{" "}
      <button class="quiet" onClick={() => { replica.merged.value = null; }}>{t("dismiss")}</button>
    </div>
  );
}
