// Keeps the page at hand without the server: its files for good, its address and the last answers as a reserve.
declare const FILES: string[];
declare const VERSION: string;
const worker = self as unknown as ServiceWorkerGlobalScope;
const [PAGE, API] = [`codraft-page-${VERSION}`, "codraft-api"];
/** Where the page is. */
const ADDRESS = /^\/(|join|secretariat|documents\/.*)$/;
/** The answers that a page needs to show a resolution. */
const KEPT = /^\/api\/v1\/(me|delegations|documents(\/[^/]+\/overview)?)$/;

worker.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    await (await caches.open(PAGE)).addAll(["/join", ...FILES, "/page/icon.svg"]);
    await worker.skipWaiting();
  })());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("codraft-page-") && name !== PAGE) await caches.delete(name);
    await worker.clients.claim();
  })());
});

worker.addEventListener("message", (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/page/")) event.respondWith(cached(request));
  else if (request.mode === "navigate" && ADDRESS.test(url.pathname)) event.respondWith(fresh(request, PAGE, "/join"));
  else if (KEPT.test(url.pathname)) event.respondWith(url.search === "" ? fresh(request, API, url.pathname) : changes(request, url.pathname));
});

async function cached(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

/** What has changed since an answer: who asks puts it together, and keeps it. */
async function changes(request: Request, key: string): Promise<Response> {
  const answer = await fetch(request);
  if (answer.status === 401) await (await caches.open(API)).delete(key);
  return answer;
}

/** The server's answer; where there is none, the last one. */
async function fresh(request: Request, store: string, key: string): Promise<Response> {
  const cache = await caches.open(store);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(key, answer.clone());
    else if (answer.status === 401 && store === API) await cache.delete(key);
    return answer;
  } catch (error) {
    const last = await cache.match(key);
    if (last === undefined) throw error;
    return last;
  }
}
