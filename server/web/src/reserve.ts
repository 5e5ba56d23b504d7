// The reserve: the page and the last answers, kept by the service worker, and by the page what it has put together.

/** What was asked before it was there. */
const early = new Set<string>();
const worker = "serviceWorker" in navigator ? navigator.serviceWorker : null;

/** Asked before the service worker is there, a thing is asked once more when it is, so that it has the answer to keep. */
export function asked(address: string): void {
  if (worker !== null && !isServed()) early.add(address);
}

/** Whether the service worker is there, and keeps what it is asked. */
export const isServed = (): boolean => worker !== null && worker.controller !== null;

/** How long the reserve may be behind what is shown. */
const BEHIND = 2_000;
const waiting = new Map<string, () => string>();
let timer: ReturnType<typeof setTimeout> | undefined;
let last = 0;

/** Has the reserve hold this answer, soon: what was put together here is nowhere else. */
export function reserve(address: string, answer: () => string): void {
  waiting.set(address, answer);
  timer ??= setTimeout(put, Math.max(0, last + BEHIND - Date.now()));
}

/** Whatever waits for the reserve is not to be kept: whoever it was shown to has gone. */
export function forsake(): void {
  waiting.clear();
}

function put(): void {
  clearTimeout(timer);
  [timer, last] = [undefined, Date.now()];
  const all = [...waiting].map(([address, answer]) => [address, answer()] as const);
  waiting.clear();
  if (all.length === 0 || !("caches" in window)) return;
  void caches.open("codraft-api").then((cache) => Promise.all(all.map(([address, answer]) =>
    cache.put(address, new Response(answer, { headers: { "content-type": "application/json" } }))))).catch(() => undefined);
}

export function keepReserve(): void {
  // Without the network, or in the background, a page may not be there a moment later.
  addEventListener("offline", put);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") put(); });
  worker?.addEventListener("controllerchange", () => {
    for (const address of early) void fetch(address, { credentials: "same-origin" }).catch(() => undefined);
    early.clear();
  });
  worker?.register("/service-worker.js").then(() => worker.ready).then((here) => {
    // A page that was just being opened when it took over was passed by.
    if (worker.controller === null) here.active?.postMessage("claim");
  }).catch(() => undefined);
}
