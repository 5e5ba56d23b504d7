// How a page comes to be at hand without the server, whichever of page, service worker, copy and server is there first.
import assert from "node:assert/strict";
import { createServer, connect } from "node:net";
import { test } from "node:test";
import { until } from "../foreign/server.mjs";
import { comeIn, delegate, edit, goOffline, meeting, open, provision, saved } from "./page.mjs";

let house, browser, can, usa, a;

meeting(async (...both) => {
  [house, browser] = both;
  [can, a] = await delegate(browser, house, "CAN");
  usa = await house.delegation("USA");
});

test("a page that its service worker passed by asks to be taken", async () => {
  await goOffline(a);
  await a.context().setOffline(false);
  await saved(a);
  // A reload past all caches is not the service worker's, which is there and active already: it takes no page over.
  const protocol = await a.context().newCDPSession(a);
  const loaded = a.waitForEvent("load");
  await protocol.send("Page.reload", { ignoreCache: true });
  await loaded;
  await provision(a, "resolves 1").waitFor();
  await saved(a);
  await goOffline(a);
  await a.reload();
  await (await edit(a, "resolves 1")).getByText("leading role").waitFor();
  await a.keyboard.press("Escape");
  await a.context().setOffline(false);
  await saved(a);
});

test("what was asked before the service worker was there is kept, too", async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const register = navigator.serviceWorker.register.bind(navigator.serviceWorker);
    navigator.serviceWorker.register = (...what) => new Promise((done) => { window.letWorker = () => done(register(...what)); });
  });
  const page = await context.newPage();
  await page.goto(`http://${house.address}/join#${usa.token}`);
  await page.waitForURL(`http://${house.address}/`);
  await open(page, house);
  await saved(page);
  await page.evaluate(() => window.letWorker());
  await goOffline(page);
  await page.reload();
  const editor = await edit(page, "resolves 1");
  await editor.getByText("leading role").waitFor();
  await context.close();
});

test("what a page has put together of answers is there without the server", async () => {
  const observer = await comeIn(browser, house, (await house.post("/invitations", { role: "observer" })).token);
  await open(observer, house);
  await goOffline(observer);
  await observer.context().setOffline(false);
  await observer.locator('.state[data-link="online"]').waitFor();
  for (const words of [" at dusk", " or dawn"]) {
    await edit(a, "resolves 3");
    await a.keyboard.press("Control+End");
    await a.keyboard.type(words);
    await a.keyboard.press("Escape");
    await provision(observer, "resolves 3").locator(".words ins", { hasText: words }).waitFor();
  }
  await goOffline(observer);
  await observer.reload();
  const shown = provision(observer, "resolves 3");
  await shown.locator(".words ins", { hasText: "at dusk or dawn" }).waitFor();
  await shown.locator(".margin .card", { hasText: "CAN" }).waitFor();
  await observer.context().setOffline(false);
  await observer.locator('.state[data-link="online"]').waitFor();
  await observer.context().close();
});

test("a page that is opened without the server, and has no copy of the text yet, reads; it writes once the server is back", async () => {
  await open(a, house);
  await goOffline(a);
  await a.goto(`http://${house.address}/`);
  await a.evaluate(() => new Promise((resolve, reject) => {
    const asked = indexedDB.deleteDatabase("codraft-CAN");
    asked.onsuccess = () => resolve();
    asked.onerror = () => reject(asked.error);
  }));
  await open(a, house);
  await provision(a, "resolves 2").locator(".words", { hasText: "Working Group" }).click();
  await a.locator(".notice.warn").waitFor();
  assert.equal(await a.locator(".cm-content").count(), 0);
  // Longer than the copy is sought for: it is nowhere, which is no reason to give up.
  await a.waitForTimeout(1_500);
  await a.context().setOffline(false);
  await provision(a, "resolves 2").locator(".cm-content:focus").waitFor();
  await a.keyboard.type(" and so on");
  await saved(a);
  assert.ok((await house.text()).includes(" and so on"));
});

test("a copy that holds nothing is no copy: the server's takes its place, and one writes", async () => {
  await open(a, house);
  await goOffline(a);
  await a.goto(`http://${house.address}/`);
  // What Automerge saves of a document without changes.
  await a.evaluate(([document, empty]) => new Promise((resolve, reject) => {
    const asked = indexedDB.open("codraft-CAN");
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const change = asked.result.transaction("documents", "readwrite");
      const key = [document, "snapshot", "nothing"];
      change.objectStore("documents").delete(IDBKeyRange.bound([document], [document, "\uffff"]));
      change.objectStore("documents").put({ key, binary: new Uint8Array(empty) }, key);
      change.onabort = () => reject(change.error);
      change.oncomplete = () => { asked.result.close(); resolve(); };
    };
  }), [house.document, [...Buffer.from("856f4a83b81a9544000400000000", "hex")]]);
  await open(a, house);
  await provision(a, "resolves 3").waitFor();
  await a.context().setOffline(false);
  const editor = await edit(a, "resolves 3");
  await editor.waitFor();
  await a.keyboard.press("End");
  await a.keyboard.type(" in due course");
  await saved(a);
  assert.ok((await house.text()).includes(" in due course"));
});

/** Notes in `window.stored` what the page puts into its copy: whose part of it, and the name of that. */
const noteStored = () => {
  window.stored = [];
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function (value, key) {
    if (Array.isArray(key) && key.length === 3) window.stored.push(key.slice(1));
    return put.call(this, value, key);
  };
};

test("a page that loses its server while the text is on its way stores the text, and never nothing in its place", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(60_000);
  await context.addInitScript(noteStored);
  await context.addInitScript(() => {
    // The network is lost right behind the text, before the page has looked what it knew of the server.
    window.WebSocket = class extends WebSocket {
      set onmessage(receive) {
        super.onmessage = receive && ((event) => {
          receive(event);
          if (window.lost || event.data.byteLength < 2_000) return;
          window.lost = true;
          dispatchEvent(new Event("offline"));
          setTimeout(() => dispatchEvent(new Event("online")), 50);
        });
      }
    };
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => assert.fail(error.stack));
  await page.goto(`http://${house.address}/join#${usa.token}`);
  await page.waitForURL(`http://${house.address}/`);
  await open(page, house);
  await saved(page);
  assert.equal(await page.evaluate(() => window.lost), true);
  await page.waitForFunction(() => window.stored.some(([part]) => part === "snapshot"));
  // The name of a snapshot is the hash of its heads: of no heads, that of nothing.
  const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  assert.ok(await page.evaluate((nothing) => window.stored.every(([, name]) => name !== nothing), nothing));
  await goOffline(page);
  await page.reload();
  await (await edit(page, "resolves 1")).getByText("leading role").waitFor();
  await context.close();
});

test("what was written last is stored when the page is put away", async () => {
  const context = await browser.newContext();
  context.setDefaultTimeout(60_000);
  await context.addInitScript(noteStored);
  const page = await context.newPage();
  await page.goto(`http://${house.address}/join#${usa.token}`);
  await page.waitForURL(`http://${house.address}/`);
  await open(page, house);
  await edit(page, "resolves 1");
  await saved(page);
  await page.waitForFunction(() => window.stored.some(([part]) => part === "snapshot"));
  await page.keyboard.press("End");
  // Nothing is stored by the clock any more.
  await page.evaluate(() => {
    window.setTimeout = () => 0;
    window.stored = [];
  });
  await page.keyboard.type(" at last");
  assert.deepEqual(await page.evaluate(() => window.stored.filter(([part]) => part !== "sync-state")), []);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await until("it is stored", () => page.evaluate(() => window.stored.some(([part]) => part === "incremental" || part === "snapshot")));
  await context.close();
});

test("a server that goes while it answers was not reached: the page asks again, and nothing breaks", async () => {
  const [host, port] = house.address.split(":");
  let cuts = 0;
  const between = createServer((client) => {
    const server = connect(Number(port), host);
    let cut = false;
    client.on("data", (bytes) => {
      cut ||= cuts > 0 && /^GET \S*\/overview[? ]/.test(bytes.toString("latin1"));
      server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (!cut) return client.write(bytes);
      // Its head, and the beginning of its body.
      cuts -= 1;
      client.write(bytes.subarray(0, bytes.indexOf("\r\n\r\n") + 40), () => client.destroy());
      server.destroy();
    });
    for (const [one, other] of [[client, server], [server, client]]) {
      one.on("close", () => other.destroy());
      one.on("error", () => other.destroy());
    }
  });
  await new Promise((resolve) => between.listen(0, "127.0.0.1", resolve));
  const through = { ...house, address: `127.0.0.1:${between.address().port}` };
  const page = await comeIn(browser, through, can.token, { serviceWorkers: "block" });
  cuts = 2;
  await open(page, through);
  assert.equal(cuts, 0);
  await page.locator('.state[data-link="online"]').waitFor();
  await page.context().close();
  await new Promise((resolve) => between.close(resolve));
});
