import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Comment } from "../api";
import { nameOf } from "../delegations";
import type { Resolution } from "../resolution";
import type { Unsent, UnsentComment } from "../unsent";
import { comments as mayComment, rules, speaker } from "../visitor";
import { count, t, when } from "../words";
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

/** Opens the comments on the words that were clicked. */
export function openCommentsAt(place: Element): void {
  const numbers = place.closest<HTMLElement>("mark.commented")?.dataset["comments"]?.split(" ") ?? [];
  for (const number of numbers) document.querySelector(`details[data-comment="${number}"]`)?.setAttribute("open", "");
}

function CommentCard({ resolution, comment }: { resolution: Resolution; comment: Comment }) {
  const card = useRef<HTMLDetailsElement>(null);
  const waiting = resolution.unsent.shown.value.filter((one): one is Exclude<Unsent, UnsentComment> => one.kind !== "comment" && one.comment === comment.number);
  // What is not sent yet is not out of sight.
  useLayoutEffect(() => { if (waiting.length > 0) card.current?.setAttribute("open", ""); }, [waiting.length]);
  const problem = useSignal<string | null>(null);
  const resolve = () => {
    const saying = { kind: "resolve", comment: comment.number, resolved: comment.resolved === undefined } as const;
    resolution.unsent.say(saying).catch(() => { problem.value = t("notKept"); });
  };
  return (
    <details class="card comment" data-comment={comment.number} ref={card}>
      <summary title={t("commentBy", { who: nameOf(comment.by) })}><span class="quoting" aria-hidden="true">“ ”</span> <Speaker by={comment.by} /> <span class="text" dir="auto">{comment.text}</span>
        {comment.replies !== undefined && <span class="number">+{comment.replies.length}</span>}
      </summary>
      {comment.words !== undefined && (
        <blockquote dir="auto">{comment.words.map((words, at) => (words.stands
          ? <span key={at}>{words.text}</span>
          : <del key={at} title={words.struck_by.length > 0 ? t("struckBy", { who: words.struck_by.join(", ") }) : t("noLonger")}>{words.text}</del>))}</blockquote>
      )}
      <Said said={comment} />
      {comment.replies?.map((one, at) => <Said key={at} said={one} />)}
      {comment.resolved !== undefined && <p class="hint">{t("resolvedBy", { who: comment.resolved.by, when: when(comment.resolved.at) })}</p>}
      {waiting.map((one) => <UnsentAnswer key={one.key} resolution={resolution} answer={one} />)}
      {mayComment.value && (
        <div class="row-of">
          {comment.resolved === undefined && <SayReply resolution={resolution} comment={comment.number} />}
          {(comment.by === speaker.value || rules.value) && !waiting.some((one) => one.kind === "resolve") && (
            <button class="quiet" onClick={resolve}>{t(comment.resolved === undefined ? "resolve" : "reopen")}</button>
          )}
        </div>
      )}
      {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
    </details>
  );
}
