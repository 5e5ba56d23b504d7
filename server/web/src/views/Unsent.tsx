import type { Resolution } from "../resolution";
import type { Unsent, UnsentComment } from "../unsent";
import { speaker } from "../visitor";
import { t } from "../words";
import { Copy } from "./Copy";
import { Said } from "./Said";

/** A comment that only its author sees yet. */
export function UnsentCard({ resolution, comment }: { resolution: Resolution; comment: UnsentComment }) {
  return (
    <div class="card comment unsent">
      {comment.quote !== null && <blockquote dir="auto">{comment.quote}</blockquote>}
      <Said said={{ ...comment, by: speaker.value }} />
      <Fate resolution={resolution} of={comment} />
    </div>
  );
}

/** A reply to a comment, or that it is resolved, that only its author sees yet. */
export function UnsentAnswer({ resolution, answer }: { resolution: Resolution; answer: Exclude<Unsent, UnsentComment> }) {
  return (
    <div class="card comment unsent answer">
      {answer.kind === "reply" ? <Said said={{ ...answer, by: speaker.value }} /> : <p><b>{t(answer.resolved ? "resolve" : "reopen")}</b></p>}
      <Fate resolution={resolution} of={answer} />
    </div>
  );
}

/** What becomes of it, and what can be done about it. */
function Fate({ resolution, of }: { resolution: Resolution; of: Unsent }) {
  const remove = () => void resolution.unsent.takeBack(of);
  if (of.refused !== undefined) {
    return (
      <div class="notice bad" role="alert">
        <p>{t("notTaken", { why: of.refused })}</p>
        <div class="row-of">
          {of.kind !== "resolve" && <Copy text={of.text} />}
          <button class="quiet" onClick={remove}>{t("dismiss")}</button>
        </div>
      </div>
    );
  }
  return (
    <div class="hint row-of">
      <span role="status">{t(resolution.link.value === "online" ? "saving" : "willBeSent")}</span>
      {resolution.unsent.going.value !== of.order && <button class="quiet" onClick={remove}>{t("takeBack")}</button>}
    </div>
  );
}
