import type { Said as What } from "../api";
import { t, when } from "../words";
import { Who } from "./Who";

/** A delegation, or the chair, the secretariat, the server itself. */
export function Speaker({ by }: { by: string }) {
  return by === "chair" || by === "secretariat" || by === "server" ? <b>{t(`role_${by}`)}</b> : <Who code={by} />;
}

/** What somebody said, and when. */
export function Said({ said }: { said: What }) {
  return (
    <p class="said">
      <span class="by"><Speaker by={said.by} /> <time dir="auto" dateTime={said.at}>{when(said.at)}</time></span>{" "}
      <span class="text" dir="auto">{said.text}</span>
    </p>
  );
}
