import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

/**
 * A card in the margin: one line until it is opened. What is in it then lies over what is below it, so that the text
 * beside it stays where it is; and one is open at a time.
 */
export function Card({ kind = "", summary, title, comment, children }: {
  kind?: string; summary: ComponentChildren; title?: string; comment?: number; children: ComponentChildren;
}) {
  const card = useRef<HTMLDetailsElement>(null);
  return (
    <details class={`card ${kind}`} name="card" ref={card} {...(comment === undefined ? {} : { "data-comment": comment })}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || (event.target as Element).closest("input, textarea") !== null) return;
        card.current?.removeAttribute("open");
        card.current?.querySelector("summary")?.focus();
      }}>
      <summary {...(title === undefined ? {} : { title })}>{summary}</summary>
      <div class="folded">{children}</div>
    </details>
  );
}
