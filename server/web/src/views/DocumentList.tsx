import { useEffect, useState } from "preact/hooks";
import { type Document, get } from "../api";
import { follow } from "../route";
import { told } from "../told";
import { me } from "../visitor";
import { t, when } from "../words";
import { Foot } from "./Foot";
import { TopBar } from "./TopBar";

/** Every resolution there is. */
export function DocumentList() {
  const [documents, setDocuments] = useState<Document[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const load = () => {
    get<{ documents: Document[] }>("/documents").then(
      (answer) => { setProblem(null); setDocuments(answer.documents); },
      (error: unknown) => setProblem(told(error)),
    );
  };
  useEffect(load, []);
  return (
    <>
      <TopBar title={<h1>{t("documents")}</h1>}>
        {me.value?.account.role === "secretariat" && <a class="button" href="/secretariat" onClick={follow}>{t("secretariatView")}</a>}
      </TopBar>
      <main class="narrow">
        {problem !== null && <p class="notice bad" role="alert">{problem} <button onClick={load}>{t("tryAgain")}</button></p>}
        {documents?.length === 0 && <p>{t("noDocuments")}</p>}
        <ul class="documents">
          {documents?.map((one) => (
            <li key={one.id}>
              <a href={`/documents/${one.id}`} onClick={follow}>
                <span class="symbol">{one.symbol}</span>
                <strong dir="auto">{one.title || one.symbol || one.id}</strong>
                <span class="facts">
                  {t("provisionsCount", { n: one.provisions })} · {t("revision", { n: one.baseline.revision })} · {when(one.created)}
                </span>
              </a>
            </li>
          ))}
        </ul>
      </main>
      <Foot />
    </>
  );
}
