// Where the page is: its address, as a signal.
import { computed, signal } from "@preact/signals";

const path = signal(location.pathname);
addEventListener("popstate", () => { path.value = location.pathname; });

export type Route =
  | { at: "documents" } | { at: "join" } | { at: "secretariat" } | { at: "nowhere" }
  | { at: "resolution" | "chair" | "projector"; document: string };

export const route = computed((): Route => {
  const [first, document, view] = path.value.split("/").filter((part) => part !== "");
  if (first === undefined) return { at: "documents" };
  if (first === "join" || first === "secretariat") return { at: first };
  if (first !== "documents" || document === undefined) return { at: "nowhere" };
  if (view === undefined) return { at: "resolution", document };
  return view === "chair" || view === "projector" ? { at: view, document } : { at: "nowhere" };
});

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  path.value = location.pathname;
  scrollTo(0, 0);
}

/** For links within the page: a plain click stays in it. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.getAttribute("href") ?? "/");
}
