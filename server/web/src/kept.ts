// Words that could not be sent, kept in this browser until their writer dismisses them.
import { signal } from "@preact/signals";
import { speaker } from "./visitor";

export interface Kept { place: string; words: string }

const version = signal(0);
/** Each one's own, as the copies are: they are nobody else's to see. */
const key = (document: string) => `codraft-kept-${speaker.value}-${document}`;

export function kept(document: string): Kept[] {
  // Read again when something was kept or released.
  void version.value;
  try {
    return JSON.parse(localStorage.getItem(key(document)) ?? "[]") as Kept[];
  } catch {
    return [];
  }
}

export function keep(document: string, words: Kept[]): void {
  localStorage.setItem(key(document), JSON.stringify([...kept(document), ...words]));
  version.value += 1;
}

export function release(document: string): void {
  localStorage.removeItem(key(document));
  version.value += 1;
}
