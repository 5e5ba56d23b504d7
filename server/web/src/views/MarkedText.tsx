import { namedBehind, type Run } from "../marks";
import { named, tone } from "../delegations";
import { t } from "../words";

/** Words with their marks: inserted, struck, by whom. */
export function MarkedText({ runs }: { runs: Run[] }) {
  return <>{runs.map((run, at) => <MarkedRun key={at} run={run} next={runs[at + 1]} />)}</>;
}

function MarkedRun({ run, next }: { run: Run; next: Run | undefined }) {
  const inserted = !run.baseline;
  const struck = run.struckBy.length > 0;
  const commented = run.comments.length > 0 ? <mark class="commented" data-comments={run.comments.join(" ")}>{run.text}</mark> : <>{run.text}</>;
  if (!inserted && !struck) return commented;
  const fresh = run.fresh ? " fresh" : "";
  const body = struck
    ? <del class={`${tone(run.struckBy[0])}${fresh}`}><span class="unseen">{t("struckBy", { who: named(run.struckBy) })} </span>{commented}</del>
    : commented;
  return (
    <>
      {inserted
        ? <ins class={`${tone(run.by[0])}${fresh}`}><span class="unseen">{t("insertedBy", { who: named(run.by) })} </span>{body}</ins>
        : body}
      <Label {...namedBehind(run, next)} />
    </>
  );
}

/** Who it was, in letters: colours alone would say it to some only. */
function Label({ by, strikers }: { by: string[]; strikers: string[] }) {
  if (by.length + strikers.length === 0) return null;
  return (
    <span class="label" aria-hidden="true">
      {by.map((code) => <span key={code} class={tone(code)}>{code}</span>)}
      {strikers.map((code) => <span key={code} class={`${tone(code)} ${by.length > 0 ? "striker" : ""}`}>{code}</span>)}
    </span>
  );
}
