import { useSignal } from "@preact/signals";
import type { Comment } from "../api";
import { nameOf } from "../delegations";
import type { Resolution } from "../resolution";
import type { Unsent, UnsentComment } from "../unsent";
import { comments as mayComment, rules, speaker } from "../visitor";
import { count, t, when } from "../words";
import { Card } from "./Card";
import type { Commenting } from "./CommentOnSelection";
import { Said, Speaker } from "./Said";
import { SayComment, SayReply } from "./Say";
import { UnsentAnswer, UnsentCard } from "./Unsent";

/** The comments on one provision, those that are not sent yet, and the one that is being written. */
export function Comments({ resolution, comments, unsent = [], writing, done }: {
  resolution: Resolution; comments: Comment[]; unsent?: UnsentComment[]; writing?: Commenting | null; done?(): void;
}) {
  const open = comments.filter((one) => one.resolved === undefined);
  const resolved = comments.filter((one) => one.resolved !== undefined);
  return (
    <>
      {open.map((one) => <CommentCard key={one.number} resolution={resolution} comment={one} />)}
      {resolved.length > 0 && (
        <details class="resolved"><summary>{count("resolvedComments", resolved.length)}</summary>
          {resolved.map((one) => <CommentCard key={one.number} resolution={resolution} comment={one} />)}
        </details>
      )}
      {unsent.map((one) => <UnsentCard key={one.key} resolution={resolution} comment={one} />)}
      {writing != null && <SayComment resolution={resolution} writing={writing} done={() => done?.()} />}
    </>
  );
}

/** Opens the comment on the words that were clicked; where there are several, the next one at each click. */
export function openCommentAt(place: Element): void {
  const numbers = place.closest<HTMLElement>("mark.commented")?.dataset["comments"]?.split(" ") ?? [];
  const cards = numbers.map((number) => document.querySelector<HTMLDetailsElement>(`details[data-comment="${number}"]`)).filter((card) => card !== null);
  const next = cards[(cards.findIndex((card) => card.open) + 1) % cards.length];
  if (next !== undefined) next.open = true;
}

function CommentCard({ resolution, comment }: { resolution: Resolution; comment: Comment }) {
  const waiting = resolution.unsent.shown.value.filter((one): one is Exclude<Unsent, UnsentComment> => one.kind !== "comment" && one.comment === comment.number);
  const problem = useSignal<string | null>(null);
  const resolve = () => {
    const saying = { kind: "resolve", comment: comment.number, resolved: comment.resolved === undefined } as const;
    resolution.unsent.say(saying).catch(() => { problem.value = t("notKept"); });
  };
  return (
    <>
      <Card kind="comment" comment={comment.number} title={t("commentBy", { who: nameOf(comment.by) })} summary={
        <>
          <span class="quoting" aria-hidden="true">“ ”</span> <Speaker by={comment.by} /> <span class="text" dir="auto">{comment.text}</span>
          {comment.replies !== undefined && <span class="number">+{comment.replies.length}</span>}
        </>
      }>
        {comment.words !== undefined && (
          <blockquote dir="auto">{comment.words.map((words, at) => (words.stands
            ? <span key={at}>{words.text}</span>
            : <del key={at} title={words.struck_by.length > 0 ? t("struckBy", { who: words.struck_by.join(", ") }) : t("noLonger")}>{words.text}</del>))}</blockquote>
        )}
        <Said said={comment} />
        {comment.replies?.map((one, at) => <Said key={at} said={one} />)}
        {comment.resolved !== undefined && <p class="hint">{t("resolvedBy", { who: comment.resolved.by, when: when(comment.resolved.at) })}</p>}
        {mayComment.value && (
          <div class="row-of">
            {comment.resolved === undefined && <SayReply resolution={resolution} comment={comment.number} />}
            {(comment.by === speaker.value || rules.value) && !waiting.some((one) => one.kind === "resolve") && (
              <button class="quiet" onClick={resolve}>{t(comment.resolved === undefined ? "resolve" : "reopen")}</button>
            )}
          </div>
        )}
        {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
      </Card>
      {/* What is not sent yet is never out of sight. */}
      {waiting.map((one) => <UnsentAnswer key={one.key} resolution={resolution} answer={one} />)}
    </>
  );
}
