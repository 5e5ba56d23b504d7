// Where a provision stands, in words.
import { type Run, standing } from "./marks";
import { t } from "./words";

function partOf(part: string): string {
  return part === "opening" || part === "preambular" || part === "operative" || part === "annex" ? t(`part_${part}`) : part;
}

/** A provision's place in words: `resolves 3`; of a heading, its own. */
export function placeOf(one: { heading: string; enumerator: string; part: string; kind?: string; runs?: Run[] }): string {
  if (one.runs !== undefined && one.kind !== "paragraph" && one.kind !== "continuation") {
    const own = standing(one.runs).replace(/[,،，:：\s]+$/, "").slice(0, 60);
    if (own !== "") return own;
  }
  const enumerator = one.enumerator.replace(/[)）.．]+$/, "");
  return [one.heading, enumerator === "–" ? "" : enumerator].filter((word) => word !== "").join(" ") || partOf(one.part);
}
