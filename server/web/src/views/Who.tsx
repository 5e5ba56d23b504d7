import type { ComponentChildren } from "preact";
import { nameOf, tone } from "../delegations";

/** A delegation, named and in its colour. */
export function Who({ code, children }: { code: string; children?: ComponentChildren }) {
  return <span class={`who ${tone(code)}`} title={nameOf(code)}>{code}{children}</span>;
}

export function Whos({ codes }: { codes: string[] }) {
  return <span class="whos">{codes.map((code) => <Who key={code} code={code} />)}</span>;
}
