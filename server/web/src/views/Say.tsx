import { useSignal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { occurrence } from "../chosen";
import type { Resolution } from "../resolution";
import type { Saying } from "../unsent";
import { t } from "../words";
import type { Commenting } from "./CommentOnSelection";

/** A field for a comment that is begun. */
export function SayComment({ resolution, writing, done }: { resolution: Resolution; writing: Commenting; done(): void }) {
  // Named now, before anybody edits on.
  const about = useMemo(() => subject(resolution, writing), [writing]);
  return (
    <div class="over">
      <div class="card comment writing">
        {about.quote !== null && <blockquote dir="auto">{about.quote}</blockquote>}
        <Field resolution={resolution} about={about} label={t("comment")} done={done} saying={(text) => ({ kind: "comment", ...about, text })} />
      </div>
    </div>
  );
}

/** A field for a reply, once it is wanted. */
export function SayReply({ resolution, comment }: { resolution: Resolution; comment: number }) {
  const asked = useSignal(false);
  if (!asked.value) return <button class="quiet" onClick={() => { asked.value = true; }}>{t("reply")}</button>;
  return (
    <Field resolution={resolution} label={t("reply")} done={() => { asked.value = false; }}
      saying={(text) => ({ kind: "reply", comment, text })} />
  );
}

/**
 * What a comment is on: words by their elements where this page has a copy of the text. The chair's page has none: it
 * says which words they were in the text that it showed, and the server finds them in what has become of it.
 */
function subject(resolution: Resolution, { provision: id, chosen: words }: Commenting): Omit<Extract<Saying, { kind: "comment" }>, "kind" | "text"> {
  const row = resolution.rows.peek().find((one) => one.id === id);
  const provision = { id, part: row?.part ?? "", heading: row?.heading ?? "", enumerator: row?.enumerator ?? "" };
  if (words === null) return { provision, on: {}, quote: null };
  const quote = words.standing.slice(words.from, words.to);
  const elements = row?.text === words.standing ? resolution.replica.peek()?.elements(id, words.from, words.to) : undefined;
  return { provision, on: elements ?? { words: quote, occurrence: occurrence(words), within: words.standing }, quote };
}

/** `about`: when that is something else, the keys are the field's. */
interface FieldProps { resolution: Resolution; label: string; about?: object; saying(text: string): Saying; done(): void }

/** A few words. They stay in it until they are kept. */
function Field({ resolution, label, about, saying, done }: FieldProps) {
  const text = useSignal("");
  const problem = useSignal<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  // Within the same turn: a key that follows at once is of the comment, not of the text.
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.scrollIntoView({ block: "nearest" });
  }, [about]);
  const go = () => {
    resolution.unsent.say(saying(text.value)).then(done, () => { problem.value = t("notKept"); });
  };
  return (
    <form onSubmit={(event) => { event.preventDefault(); go(); }}>
      <textarea ref={field} aria-label={label} placeholder={label} dir="auto" rows={2} required maxLength={4000} value={text.value}
        onInput={(event) => { text.value = event.currentTarget.value; }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          } else if (event.key === "Escape" && text.value === "") done();
        }} />
      <div class="row-of"><button class="main">{t("send")}</button><button type="button" class="quiet" onClick={done}>{t("cancel")}</button></div>
      {problem.value !== null && <p class="notice bad" role="alert">{problem.value}</p>}
    </form>
  );
}
