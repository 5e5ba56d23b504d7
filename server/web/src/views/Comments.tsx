import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { type Comment, type NewComment, Problem, type Said, send } from "../api";
import { type Chosen, chosen, occurrence } from "../chosen";
import { nameOf } from "../delegations";
import type { Resolution } from "../resolution";
import { comments as mayComment, me, rules } from "../visitor";
import { count, t, when } from "../words";
import { Who } from "./Who";

/** What somebody is about to comment on. */
export interface Commenting { provision: string; chosen: Chosen | null }

/** The comments on one provision, and the one that is being written. */
export function Comments({ resolution, comments, writing, done }: {
  resolution: Resolution; comments: Comment[]; writing?: Commenting | null; done?(): void;
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
      {writing != null && <WriteComment resolution={resolution} writing={writing} done={() => done?.()} />}
    </>
  );
}

const whose = (by: string) => (by === "chair" || by === "secretariat" ? <b>{t(`role_${by}`)}</b> : <Who code={by} />);

function Words({ said }: { said: Said }) {
  return <p class="said"><span class="by">{whose(said.by)} <time dir="auto" dateTime={said.at}>{when(said.at)}</time></span> <span class="text" dir="auto">{said.text}</span></p>;
}

/** Opens the comments on the words that were clicked. */
export function openCommentsAt(place: Element): void {
  const numbers = place.closest<HTMLElement>("mark.commented")?.dataset["comments"]?.split(" ") ?? [];
  for (const number of numbers) document.querySelector(`details[data-comment="${number}"]`)?.setAttribute("open", "");
}

function CommentCard({ resolution, comment }: { resolution: Resolution; comment: Comment }) {
  const problem = useSignal<string | null>(null);
  const account = me.value?.account;
  const path = `/documents/${resolution.id}/comments/${comment.number}`;
  const own = account !== undefined && comment.by === (account.delegation ?? account.role);
  const does = async (method: "POST" | "PUT", what: string, body: unknown): Promise<boolean> => {
    problem.value = await failing(send(method, `${path}/${what}`, body));
    if (problem.value === null) resolution.soon();
    return problem.value === null;
  };
  return (
    <details class="card comment" data-comment={comment.number}>
      <summary title={t("commentBy", { who: nameOf(comment.by) })}><span class="quoting" aria-hidden="true">“ ”</span> {whose(comment.by)} <span class="text" dir="auto">{comment.text}</span>
        {comment.replies !== undefined && <span class="number">+{comment.replies.length}</span>}
      </summary>
      {comment.words !== undefined && (
        <blockquote dir="auto">{comment.words.map((words, at) => (words.stands
          ? <span key={at}>{words.text}</span>
          : <del key={at} title={words.struck_by.length > 0 ? t("struckBy", { who: words.struck_by.join(", ") }) : t("noLonger")}>{words.text}</del>))}</blockquote>
      )}
      <Words said={comment} />
      {comment.replies?.map((one, at) => <Words key={at} said={one} />)}
      {comment.resolved !== undefined && <p class="hint">{t("resolvedBy", { who: comment.resolved.by, when: when(comment.resolved.at) })}</p>}
      {mayComment.value && (
        <div class="row-of">
          {comment.resolved === undefined && <Say label={t("reply")} send={(text) => does("POST", "replies", { text })} />}
          {(own || rules.value) && (
            <button class="quiet" onClick={() => void does("PUT", "resolved", { resolved: comment.resolved === undefined })}>{t(comment.resolved === undefined ? "resolve" : "reopen")}</button>
          )}
        </div>
      )}
      {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
    </details>
  );
}

/** A field for a few words, once it is wanted. Nothing typed is lost: what could not be sent stays in it. */
function Say({ label, send: give }: { label: string; send(text: string): Promise<boolean> }) {
  const asked = useSignal(false);
  const text = useSignal("");
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => { if (asked.value) field.current?.focus(); }, [asked.value]);
  if (!asked.value) return <button class="quiet" onClick={() => { asked.value = true; }}>{label}</button>;
  const go = async () => {
    if (await give(text.value)) [asked.value, text.value] = [false, ""];
  };
  return <Form field={field} label={label} text={text.value} onText={(now) => { text.value = now; }} go={() => void go()} cancel={() => { asked.value = false; }} />;
}

function WriteComment({ resolution, writing, done }: { resolution: Resolution; writing: Commenting; done(): void }) {
  const text = useSignal("");
  const problem = useSignal<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  // Named now, before anybody edits on.
  const on = useRef<Partial<NewComment>>({});
  // Within the same turn: a key that follows at once is of the comment, not of the text.
  useLayoutEffect(() => {
    on.current = named(resolution, writing);
    field.current?.focus();
    field.current?.scrollIntoView({ block: "nearest" });
  }, [writing]);
  const go = async () => {
    problem.value = await failing(send("POST", `/documents/${resolution.id}/comments`, { provision: writing.provision, text: text.value, ...on.current }));
    if (problem.value !== null) return;
    resolution.soon();
    done();
  };
  return (
    <div class="card comment writing">
      {writing.chosen !== null && <blockquote dir="auto">{writing.chosen.standing.slice(writing.chosen.from, writing.chosen.to)}</blockquote>}
      <Form field={field} label={t("comment")} text={text.value} onText={(now) => { text.value = now; }} go={() => void go()} cancel={done} />
      {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
    </div>
  );
}

/** The words that are meant: by their elements where this page has them, else as what they say. */
function named(resolution: Resolution, { provision, chosen: words }: Commenting): Partial<NewComment> {
  if (words === null) return {};
  const held = resolution.replica.value?.held.value.find((one) => one.id === provision);
  const elements = held?.text === words.standing ? resolution.replica.value?.elements(provision, words.from, words.to) : undefined;
  return elements ?? { words: words.standing.slice(words.from, words.to), occurrence: occurrence(words) };
}

interface FormProps {
  field: { current: HTMLTextAreaElement | null }; label: string; text: string;
  onText(text: string): void; go(): void; cancel(): void;
}

function Form({ field, label, text, onText, go, cancel }: FormProps) {
  return (
    <form onSubmit={(event) => { event.preventDefault(); go(); }}>
      <textarea ref={field} aria-label={label} placeholder={label} dir="auto" rows={2} required maxLength={4000} value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          } else if (event.key === "Escape" && text === "") cancel();
        }} />
      <div class="row-of"><button class="main">{t("send")}</button><button type="button" class="quiet" onClick={cancel}>{t("cancel")}</button></div>
    </form>
  );
}

/** What to tell where something could not be done. */
async function failing(sent: Promise<unknown>): Promise<string | null> {
  try {
    await sent;
    return null;
  } catch (error) {
    return error instanceof Problem && !error.unreachable ? error.detail : t("notSent");
  }
}

/** A button at the selected words, and its key: Ctrl-Alt-M. */
export function CommentOnSelection({ begin }: { begin(commenting: Commenting): void }) {
  const at = useSignal<{ x: number; y: number } | null>(null);
  useEffect(() => {
    const look = () => {
      const box = chosen() === null ? undefined : getSelection()?.getRangeAt(0).getBoundingClientRect();
      at.value = box === undefined ? null : { x: box.right, y: box.bottom };
    };
    const press = (event: KeyboardEvent) => {
      if (event.code !== "KeyM" || !event.altKey || !(event.ctrlKey || event.metaKey)) return;
      const words = chosen();
      const provision = words?.provision ?? (document.activeElement?.closest<HTMLElement>("[data-provision]"))?.dataset["provision"];
      if (provision === undefined) return;
      event.preventDefault();
      begin({ provision, chosen: words });
    };
    document.addEventListener("selectionchange", look);
    addEventListener("scroll", look, { passive: true });
    addEventListener("keydown", press, true);
    return () => {
      document.removeEventListener("selectionchange", look);
      removeEventListener("scroll", look);
      removeEventListener("keydown", press, true);
    };
  }, []);
  if (at.value === null) return null;
  const { x, y } = at.value;
  return (
    // The selection must not go when the button is pressed.
    <button class="comment-here" style={{ left: `${Math.min(x, innerWidth - 140)}px`, top: `${Math.min(y + 4, innerHeight - 40)}px` }} title={t("commentKey")}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => {
        const words = chosen();
        if (words !== null) begin({ provision: words.provision, chosen: words });
        at.value = null;
      }}>{t("comment")}</button>
  );
}
