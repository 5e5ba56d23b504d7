// Delegations' names and colours. Each has a colour and a line style, and is named in text as well.
import { signal } from "@preact/signals";
import type { Delegation } from "./api";

export const SECRETARIAT = "SECRETARIAT";
/** As many as the stylesheet has. */
const TONES = 8;

export const delegations = signal<Delegation[]>([]);

export function tone(code: string | undefined): string {
  if (code === undefined || code === "?" || code === SECRETARIAT) return "tone-none";
  const at = delegations.value.findIndex((one) => one.code === code);
  return `tone-${(at < 0 ? [...code].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) : at) % TONES}`;
}

export function nameOf(code: string): string {
  return delegations.value.find((one) => one.code === code)?.name ?? code;
}
