import { useSignal } from "@preact/signals";
import { Component } from "preact";
import type { Comment, Proposal } from "../api";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { SECRETARIAT, tone, nameOf } from "../delegations";
import { chosen } from "../chosen";
import { nextEnumerator } from "../enumerator";
import { seen, type View } from "../marks";
import { placeOf } from "../place";
import type { Resolution, Row } from "../resolution";
import type { UnsentComment } from "../unsent";
import { comments as mayComment, writer } from "../visitor";
import { list, t } from "../words";
import { COMMENT_KEY, CommentOnSelection, type Commenting } from "./CommentOnSelection";
import { Comments, openCommentAt } from "./Comments";
import { Editor } from "./Editor";
import { Margin } from "./Margin";
import { MarkedText } from "./MarkedText";
import { ProposalCard } from "./ProposalCard";
import { Who } from "./Who";

interface Point { x: number; y: number }

interface Active { id: string; point: Point | null }

/** The resolution as it looks on paper, its proposals and comments in the margin. */
export function Paper({ resolution, rows, view, own }: { resolution: Resolution; rows: Row[]; view: View; own: string | null }) {
  const active = useSignal<Active | null>(null);
  const writing = useSignal<Commenting | null>(null);
  const replica = resolution.replica.value;
  const writes = replica !== null && view === "marked";
  useEffect(() => { active.value = null; }, [view]);
  const latest = useRef(rows);
  latest.current = rows;
  const acts = useMemo((): Acts => ({
    edit: (id, point = null) => { active.value = id === null ? null : { id, point }; },
    move: (from, by) => {
      const editable = latest.current.filter(canEdit);
      const next = editable[editable.findIndex((row) => row.id === from) + by];
      if (next !== undefined) active.value = { id: next.id, point: null };
    },
    next: (row) => nextEnumerator(row, latest.current),
    comment: (one) => { writing.value = one; },
  }), []);
  const ids = new Set(rows.map((row) => row.id));
  const gone = (one: { provision: { id: string } }) => view === "marked" && !ids.has(one.provision.id);
  const beside = view === "marked" ? resolution.byProvision.value : view === "mine" ? resolution.ownByProvision.value : null;
  // A rejected addition stands nowhere; why it was rejected must be found all the same.
  const proposalsElsewhere = [...beside ?? []].filter(([id]) => !ids.has(id)).flatMap(([, some]) => some);
  const elsewhere = resolution.comments.value.filter(gone);
  const unsentElsewhere = resolution.unsent.shown.value.filter((one): one is UnsentComment => one.kind === "comment" && gone(one));
  return (
    <article class="paper" dir={direction(rows)} aria-label={t("resolutionLabel")}>
      {rows.map((row) => (
        <Provision key={row.id} resolution={resolution} row={row} view={view} own={own} writes={writes} acts={acts}
          proposals={beside?.get(row.id) ?? NONE}
          comments={(view === "marked" ? resolution.commentsOn.value.get(row.id) : undefined) ?? NONE}
          unsent={(view === "marked" ? resolution.unsentOn.value.get(row.id) : undefined) ?? NONE}
          active={active.value?.id === row.id ? active.value : null} writing={writing.value?.provision === row.id ? writing.value : null} />
      ))}
      {resolution.proposals.value.length === 0 && view === "marked" && <p class="aside-note">{t("noProposals")}</p>}
      {proposalsElsewhere.length > 0 && (
        <section class="elsewhere" aria-label={t("proposalsElsewhere")}>
          <h3>{t("proposalsElsewhere")}</h3>
          {proposalsElsewhere.map((one) => <div key={one.id}><span class="place">{resolution.placeOf(one.provision)}</span><ProposalCard resolution={resolution} proposal={one} /></div>)}
        </section>
      )}
      {elsewhere.length + unsentElsewhere.length > 0 && (
        <section class="elsewhere" aria-label={t("commentsElsewhere")}>
          <h3>{t("commentsElsewhere")}</h3>
          {elsewhere.map((one) => <div key={one.number}><span class="place">{resolution.placeOf(one.provision)}</span><Comments resolution={resolution} comments={[one]} /></div>)}
          {unsentElsewhere.map((one) => <div key={one.key}><span class="place">{resolution.placeOf(one.provision)}</span><Comments resolution={resolution} comments={NONE} unsent={[one]} /></div>)}
        </section>
      )}
      {mayComment.value && view === "marked" && <CommentOnSelection begin={acts.comment} />}
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

const NONE: never[] = [];

/** What can be done on the sheet. */
interface Acts {
  edit(id: string | null, point?: Point | null): void;
  move(from: string, by: number): void;
  /** How a provision behind this one is numbered. */
  next(row: Row): string;
  comment(one: Commenting | null): void;
}

interface ProvisionProps {
  resolution: Resolution; row: Row; proposals: Proposal[]; comments: Comment[]; unsent: UnsentComment[]; view: View; own: string | null; writes: boolean;
  active: Active | null; writing: Commenting | null; acts: Acts;
}

/**
 * Drawn anew only where something of it has changed: a key must not wait for the whole sheet. (A kept element, as
 * by useMemo, would do the same; but it holds on to the tree that it was made for, and so to all earlier ones.)
 */
class Provision extends Component<ProvisionProps> {
  override shouldComponentUpdate(next: ProvisionProps): boolean {
    return (Object.keys(next) as (keyof ProvisionProps)[]).some((name) => next[name] !== this.props[name]);
  }
  override render() {
    return <OneProvision {...this.props} />;
  }
}

function OneProvision({ resolution, row, proposals, comments, unsent, view, own, writes, active, writing, acts }: ProvisionProps) {
  const replica = resolution.replica.value;
  const editing = writes && active !== null && canEdit(row);
  const place = placeOf(row);
  const commenting = view === "marked" && mayComment.value;
  const suppressed = view === "marked" ? row.suppressedBy : view === "mine" ? row.suppressedBy.filter((by) => by === own) : [];
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
    const id = replica?.addAfter(row.id, acts.next(row));
    if (id !== undefined) acts.edit(id);
  };
  const by = replica?.me;
  const ownAddition = !row.baseline && row.insertedBy === by;
  const takeBack = () => {
    acts.edit(null);
    replica?.withdraw(row.id);
  };
  return (
    <section class={classes} data-provision={row.id} aria-label={place}>
      <div class="body" onClick={(event) => {
        if (event.target instanceof Element) openCommentAt(event.target);
        // Also while this page's copy is still being opened: writing begins as soon as it is there.
        if (view === "marked" && writer.value !== null && !editing && getSelection()?.isCollapsed !== false) acts.edit(row.id, { x: event.clientX, y: event.clientY });
      }}>
        {row.enumerator !== "" && <span class="enumerator">{row.enumerator}</span>}
        <div class="words" dir="auto">
          {editing && replica !== null
            ? <Editor replica={replica} id={row.id} runs={runs} label={t("editorLabel", { place })} help={t("editorHelp")} point={active?.point ?? null}
                on={{
                  leave: () => acts.edit(null), enter: add, up: () => acts.move(row.id, -1), down: () => acts.move(row.id, 1),
                  empty: () => { if (ownAddition) { acts.move(row.id, -1); replica.withdraw(row.id); } },
                }} />
            : row.kind === "title" ? <h2><MarkedText runs={shown} /></h2>
              : row.kind === "heading" ? <h3><MarkedText runs={shown} /></h3>
                : <p>{shown.length === 0 ? <span class="nothing">{t("emptyProvision")}</span> : <MarkedText runs={shown} />}</p>}
          {suppressed.length > 0 && <span class="verdict">{t("suppressedBy", { who: list(suppressed.map(nameOf)) })}</span>}
        </div>
        {(writes || commenting) && (
          <div class="deeds" onClick={(event) => event.stopPropagation()}>
            {writes && !editing && canEdit(row) && <button class="quiet" aria-label={t("editPlace", { place })} onClick={() => acts.edit(row.id)}>{t("edit")}</button>}
            {commenting && <button class="quiet" aria-label={`${t("comment")}: ${place}`} aria-keyshortcuts={COMMENT_KEY} onMouseDown={(event) => event.preventDefault()} onClick={() => {
              const words = chosen();
              acts.comment({ provision: row.id, chosen: words?.provision === row.id ? words : null });
            }}>{t("comment")}</button>}
            {writes && <button class="quiet" onClick={add} title={t("addAfter")} aria-label={`${t("addAfter")}: ${place}`}>+</button>}
            {writes && (ownAddition ? <button class="quiet" onClick={takeBack}>{t("withdrawAddition")}</button>
              : row.suppressedBy.includes(by ?? "") ? <button class="quiet" onClick={() => replica?.suppress(row.id, false)}>{t("restore")}</button>
                : by !== SECRETARIAT && <button class="quiet" onClick={() => replica?.suppress(row.id, true)} aria-label={`${t("suppress")}: ${place}`}>{t("suppress")}</button>)}
          </div>
        )}
        <Here resolution={resolution} id={row.id} />
      </div>
      <Margin resolution={resolution} proposals={proposals} comments={comments} unsent={unsent} place={place}
        writing={writing} done={() => acts.comment(null)} />
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
