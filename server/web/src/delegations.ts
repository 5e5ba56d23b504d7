// Delegations' names and looks. Each has a colour and a line of its own, and is named in text as well.
import { computed, signal } from "@preact/signals";
import { type Delegation, type Delegations, get } from "./api";
import { lookOf } from "./looks";
import { list, t } from "./words";

export const SECRETARIAT = "SECRETARIAT";

export const delegations = signal<Delegation[]>([]);

/** Each one's place in the order in which they were added. Nobody ever comes in before those who were there. */
const places = computed(() => {
  const ordered = [...delegations.value].sort((a, b) => Date.parse(a.created) - Date.parse(b.created) || (a.code < b.code ? -1 : 1));
  return new Map(ordered.map(({ code }, at) => [code, at]));
});

/** The classes of a delegation's colour and line: the same on every page of this server. */
export function tone(code: string | undefined): string {
  if (code === undefined || code === "?" || code === SECRETARIAT) return "tone-none";
  const place = places.value.get(code);
  if (place !== undefined) return lookOf(place);
  meet(code);
  return "tone-none";
}

export function nameOf(code: string): string {
  const known = delegations.value.find((one) => one.code === code);
  if (known === undefined && code !== SECRETARIAT) meet(code);
  return known?.name ?? code;
}

/** Whose words they are, by name. */
export const named = (codes: string[]): string => {
  const known = codes.filter((code) => code !== "?");
  return known.length === 0 ? t("notYet") : list(known.map(nameOf));
};

/** Codes for which the list was read again. */
const met = new Set<string>();

/** A delegation that was added since the list was read. */
function meet(code: string): void {
  if (met.has(code) || delegations.peek().length === 0) return;
  met.add(code);
  get<Delegations>("/delegations").then((all) => { delegations.value = all.delegations; }, () => met.delete(code));
}
