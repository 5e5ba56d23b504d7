// The service worker, which keeps the page and the last answers as a reserve.

/** What was asked before it was there. */
const early = new Set<string>();
const worker = "serviceWorker" in navigator ? navigator.serviceWorker : null;

/** Asked before the service worker is there, a thing is asked once more when it is, so that it has the answer to keep. */
export function asked(address: string): void {
  if (worker !== null && worker.controller === null) early.add(address);
}

export function keepReserve(): void {
  worker?.addEventListener("controllerchange", () => {
    for (const address of early) void fetch(address, { credentials: "same-origin" }).catch(() => undefined);
    early.clear();
  });
  worker?.register("/service-worker.js").then(() => worker.ready).then((here) => {
    // A page that was just being opened when it took over was passed by.
    if (worker.controller === null) here.active?.postMessage("claim");
  }).catch(() => undefined);
}
