// A delegation's browser on the page.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { Server, until } from "../foreign/server.mjs";

/** Where a Chromium is, if there is one. */
export const chromiumPath = [process.env.CODRAFT_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  .find((path) => path && existsSync(path));

/** What the page does wrong without saying so: scripts that fail, rules that are broken. */
const wrongs = [];

/** A house and a browser for the tests of one file. Nothing may have gone wrong in its pages behind their backs. */
export function meeting(prepare, start = () => Server.start()) {
  let house, browser;
  before(async () => {
    house = await start();
    browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    await prepare(house, browser);
  });
  after(async () => {
    await browser?.close();
    await house?.stop();
    assert.deepEqual(wrongs, [], "the page did nothing wrong behind its back");
  });
}

/** A new delegation, with its page on the house's document. */
export async function delegate(browser, house, code) {
  const delegation = await house.delegation(code);
  return [delegation, await open(await comeIn(browser, house, delegation.token), house)];
}

/** A browser of its own (cookies, stores) that has come in with an invitation. */
export async function comeIn(browser, house, token, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: "en-GB", ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => wrongs.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !/Failed to load resource|ERR_|WebSocket connection/.test(text)) wrongs.push(text);
  });
  await page.goto(`http://${house.address}/join#${token}`);
  await page.waitForURL(`http://${house.address}/`);
  return page;
}

export async function open(page, house, document = house.document, view = "") {
  await page.goto(`http://${house.address}/documents/${document}${view}`);
  await page.locator(".provision").first().waitFor();
  return page;
}

/** The provision that stands at this place, such as `recalling a`. */
export const provision = (page, place) => page.locator(`section.provision[aria-label="${place}"]`).first();

/** Clicks into a provision; answers the editor. */
export async function edit(page, place) {
  // Its copy is open, with or without the server.
  await page.locator('.state:not([data-safe="undefined"])').waitFor();
  const editor = provision(page, place).locator(".cm-content");
  await provision(page, place).locator(".words").click();
  await editor.waitFor();
  return editor;
}

/** The server has everything that was written on this page. */
export const saved = (page) => page.locator('.state[data-safe="true"][data-link="online"]').waitFor();

/** Takes the network away, once the page keeps what it needs to be opened without. */
export async function goOffline(page) {
  await until("the page can be opened without the server", () => page.evaluate(async () => {
    const overview = `${location.pathname.replace("/documents/", "/api/v1/documents/")}/overview`;
    const kept = await Promise.all(["/join", "/api/v1/me", "/api/v1/delegations", overview].map((address) => caches.match(address)));
    // Also its copy of the text, where it has one: that is kept a moment later than it is there.
    const names = (await indexedDB.databases()).map((one) => one.name).filter((name) => /^codraft-(?!unsent)/.test(name));
    const copies = await Promise.all(names.map((name) => new Promise((resolve) => {
      const opening = indexedDB.open(name);
      opening.onsuccess = () => {
        const store = opening.result;
        const keys = store.objectStoreNames.contains("documents") ? store.transaction("documents").objectStore("documents").getAllKeys() : null;
        // Not its name, and not what it knows of the server.
        const done = () => { store.close(); resolve((keys?.result ?? []).filter(([, part]) => part === "snapshot" || part === "incremental").length); };
        if (keys === null) done();
        else keys.onsuccess = done;
      };
    })));
    return navigator.serviceWorker.controller?.state === "activated" && kept.every((answer) => answer !== undefined) && copies.every((parts) => parts > 0);
  }));
  await page.context().setOffline(true);
  await page.locator('.state[data-link="offline"]').waitFor();
}
