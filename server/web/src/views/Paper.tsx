import { useSignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { SECRETARIAT, tone, nameOf } from "../delegations";
import { nextEnumerator } from "../enumerator";
import { seen, type View } from "../marks";
import { placeOf, type Resolution, type Row } from "../resolution";
import { list, t } from "../words";
import { Editor } from "./Editor";
import { Margin } from "./Margin";
import { MarkedText } from "./MarkedText";
import { Who } from "./Who";

export interface Point { x: number; y: number }

interface Active { id: string; point: Point | null }

/** The resolution as it looks on paper, its proposals in the margin. */
export function Paper({ resolution, rows, view, own }: { resolution: Resolution; rows: Row[]; view: View; own: string | null }) {
  const active = useSignal<Active | null>(null);
  const replica = resolution.replica.value;
  const writes = replica !== null && view === "marked";
  useEffect(() => { if (!writes) active.value = null; }, [writes]);
  const move = (from: string, by: number) => {
    const editable = rows.filter((row) => canEdit(row));
    const next = editable[editable.findIndex((row) => row.id === from) + by];
    if (next !== undefined) active.value = { id: next.id, point: null };
  };
  return (
    <article class="paper" dir={direction(rows)} aria-label={t("resolutionLabel")}>
      {rows.map((row) => (
        <Provision key={row.id} resolution={resolution} row={row} rows={rows} view={view} own={own} writes={writes} active={active} move={move} />
      ))}
      {resolution.proposals.value.length === 0 && view === "marked" && <p class="aside-note">{t("noProposals")}</p>}
    </article>
  );
}

/** The sheet runs as its text does, whatever the language of the page. */
function direction(rows: Row[]): "ltr" | "rtl" {
  const text = rows.map((row) => row.runs.map((run) => run.text).join("")).join("");
  const [rtl, ltr] = [/[\p{Script=Arabic}\p{Script=Hebrew}]/gu, /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Han}]/gu].map((letters) => text.match(letters)?.length ?? 0);
  return (rtl ?? 0) > (ltr ?? 0) ? "rtl" : "ltr";
}

const canEdit = (row: Row) => row.text !== null && row.kind !== "blank" && row.kind !== "rule";

interface ProvisionProps {
  resolution: Resolution; row: Row; rows: Row[]; view: View; own: string | null; writes: boolean;
  active: Signal<Active | null>; move(from: string, by: number): void;
}

function Provision({ resolution, row, rows, view, own, writes, active, move }: ProvisionProps) {
  const replica = resolution.replica.value;
  const editing = writes && active.value?.id === row.id && canEdit(row);
  const place = placeOf(row);
  const proposals = view === "marked" ? resolution.byProvision.value.get(row.id) ?? [] : [];
  const suppressed = view === "marked" ? row.suppressedBy : view === "mine" ? row.suppressedBy.filter((by) => by === own) : [];
  const begin = (point: Point | null) => { active.value = { id: row.id, point }; };
  const runs = useSignal(row.runs);
  useEffect(() => { runs.value = row.runs; });
  const shown = seen(row.runs, view, own);
  const added = !row.baseline && view !== "clean";
  const classes = [
    "provision", `kind-${row.kind}`, `part-${row.part}`, `level-${row.level}`, editing ? "editing" : "", added ? `added ${tone(row.insertedBy)}` : "",
    suppressed.length > 0 ? `suppressed ${tone(suppressed[0])}` : "", proposals.some((one) => one.collides_with.length > 0) ? "collides" : "",
  ].join(" ");
  if (row.kind === "blank") return <div class="provision kind-blank" aria-hidden="true" />;
  if (row.kind === "rule") return <hr class="provision kind-rule" />;
  const add = () => {
    const id = replica?.addAfter(row.id, nextEnumerator(row, rows));
    if (id !== undefined) active.value = { id, point: null };
  };
  const by = replica?.me;
  const ownAddition = !row.baseline && row.insertedBy === by;
  const takeBack = () => {
    active.value = null;
    replica?.withdraw(row.id);
  };
  return (
    <section class={classes} data-provision={row.id} aria-label={place}>
      <div class="body" onClick={(event) => {
        if (writes && !editing && canEdit(row) && getSelection()?.isCollapsed !== false) begin({ x: event.clientX, y: event.clientY });
      }}>
        {row.enumerator !== "" && <span class="enumerator">{row.enumerator}</span>}
        <div class="words" dir="auto">
          {editing && replica !== null
            ? <Editor replica={replica} id={row.id} runs={runs} label={t("editorLabel", { place })} help={t("editorHelp")} point={active.value?.point ?? null}
                on={{
                  leave: () => { active.value = null; }, enter: add, up: () => move(row.id, -1), down: () => move(row.id, 1),
                  empty: () => { if (ownAddition) { move(row.id, -1); replica.withdraw(row.id); } },
                }} />
            : row.kind === "title" ? <h2><MarkedText runs={shown} /></h2>
              : row.kind === "heading" ? <h3><MarkedText runs={shown} /></h3>
                : <p>{shown.length === 0 ? <span class="nothing">{t("emptyProvision")}</span> : <MarkedText runs={shown} />}</p>}
          {suppressed.length > 0 && <span class="verdict">{t("suppressedBy", { who: list(suppressed.map(nameOf)) })}</span>}
        </div>
        {writes && (
          <div class="deeds" onClick={(event) => event.stopPropagation()}>
            {!editing && canEdit(row) && <button class="quiet" aria-label={t("editPlace", { place })} onClick={() => begin(null)}>{t("edit")}</button>}
            <button class="quiet" onClick={add} title={t("addAfter")} aria-label={`${t("addAfter")}: ${place}`}>+</button>
            {ownAddition ? <button class="quiet" onClick={takeBack}>{t("withdrawAddition")}</button>
              : row.suppressedBy.includes(by ?? "") ? <button class="quiet" onClick={() => replica?.suppress(row.id, false)}>{t("restore")}</button>
                : by !== SECRETARIAT && <button class="quiet" onClick={() => replica?.suppress(row.id, true)} aria-label={`${t("suppress")}: ${place}`}>{t("suppress")}</button>}
          </div>
        )}
        <Here resolution={resolution} id={row.id} />
      </div>
      <Margin proposals={proposals} all={resolution.proposals.value} place={place} />
    </section>
  );
}

/** Who is editing this provision now. */
function Here({ resolution, id }: { resolution: Resolution; id: string }) {
  const all = resolution.replica.value?.whereabouts.value;
  if (all === undefined) return null;
  const codes = [...new Set([...all.values()].filter((one) => one.provision === id).map((one) => one.delegation))];
  return codes.length === 0 ? null : (
    <div class="here">{codes.map((code) => <span key={code} title={t("isEditing", { who: nameOf(code) })}><Who code={code}> ✎</Who></span>)}</div>
  );
}
