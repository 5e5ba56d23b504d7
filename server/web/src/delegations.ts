// Delegations' names and colours. Each has a colour and a line style, and is named in text as well.
import { computed, signal } from "@preact/signals";
import type { Delegation } from "./api";

export const SECRETARIAT = "SECRETARIAT";
/** As many as the stylesheet has. */
const TONES = 8;

export const delegations = signal<Delegation[]>([]);

/** A code's own place among the colours: the same on every screen. */
const place = (code: string) => [...code].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 8191, 7) % TONES;

/** Each its own colour while there are enough; who comes later changes the others' only where two would be alike. */
const tones = computed(() => {
  const [map, taken] = [new Map<string, number>(), new Set<number>()];
  for (const { code } of delegations.value) {
    let at = place(code);
    while (taken.has(at) && taken.size < TONES) at = (at + 1) % TONES;
    map.set(code, at);
    taken.add(at);
  }
  return map;
});

export function tone(code: string | undefined): string {
  if (code === undefined || code === "?" || code === SECRETARIAT) return "tone-none";
  return `tone-${tones.value.get(code) ?? place(code)}`;
}

export function nameOf(code: string): string {
  return delegations.value.find((one) => one.code === code)?.name ?? code;
}
