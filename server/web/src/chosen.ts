// Which words of a provision are selected on the screen: what stands, without the marks around it.

/** Selected words: where they begin and end in the provision's standing text, and that text. */
export interface Chosen { provision: string; from: number; to: number; standing: string }

/** What stands beside the words, and words that no longer stand. */
const BESIDE = ".label, .unseen, del, .verdict, .nothing";

/** The selected words, where they are words of one provision. */
export function chosen(): Chosen | null {
  const selection = getSelection();
  if (selection === null || selection.isCollapsed || selection.rangeCount === 0) return null;
  const range = selection.getRangeAt(0);
  const words = closest(range.startContainer, ".words");
  const provision = words?.closest<HTMLElement>("[data-provision]")?.dataset["provision"];
  if (words === null || provision === undefined || words !== closest(range.endContainer, ".words")) return null;
  let [standing, from, to] = ["", -1, -1];
  const walker = document.createTreeWalker(words, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent ?? "";
    if (node.parentElement?.closest(BESIDE) != null || !range.intersectsNode(node)) {
      if (node.parentElement?.closest(BESIDE) == null) standing += text;
      continue;
    }
    const start = node === range.startContainer ? range.startOffset : 0;
    const end = node === range.endContainer ? range.endOffset : text.length;
    if (start < end) {
      if (from < 0) from = standing.length + start;
      to = standing.length + end;
    }
    standing += text;
  }
  return from < 0 || standing.slice(from, to).trim() === "" ? null : { provision, from, to, standing };
}

/** Of equal words, which these are, counted from 1. */
export function occurrence({ standing, from, to }: Chosen): number {
  const words = standing.slice(from, to);
  let count = 0;
  for (let at = standing.indexOf(words); at >= 0 && at <= from; at = standing.indexOf(words, at + 1)) count += 1;
  return count;
}

function closest(node: Node, selector: string): HTMLElement | null {
  const element = node instanceof HTMLElement ? node : node.parentElement;
  return element?.closest<HTMLElement>(selector) ?? null;
}
