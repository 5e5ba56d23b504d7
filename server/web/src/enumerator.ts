// How a provision that is added behind another is numbered until the secretariat renumbers. Pure.
const LATIN = ["bis", "ter", "quater", "quinquies", "sexies", "septies", "octies", "novies", "decies"];

interface Numbered { id: string; enumerator: string; heading: string }

/** `11` → `11bis`, then `11ter`; `a)` → `abis)`; an unnumbered or dashed one stays so. */
export function nextEnumerator(after: Numbered, all: Numbered[]): string {
  const [, stem, tail] = /^([\p{L}\p{N}]+?)(?:bis|ter|quater|quinquies|sexies|septies|octies|novies|decies)?([).]*)$/u.exec(after.enumerator) ?? [];
  if (stem === undefined || tail === undefined) return after.enumerator;
  const taken = new Set(all.filter((one) => one.heading === after.heading).map((one) => one.enumerator));
  return LATIN.map((word) => `${stem}${word}${tail}`).find((one) => !taken.has(one)) ?? after.enumerator;
}
