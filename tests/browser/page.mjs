// A delegation's browser on the page.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

/** Where a Chromium is, if there is one. */
export const chromiumPath = [process.env.CODRAFT_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
  .find((path) => path && existsSync(path));

export const launch = () =>
  chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

/** What the page does wrong without saying so: scripts that fail, rules that are broken. */
export const wrongs = [];

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
  await page.locator('.state[data-link="online"], .state[data-link="offline"]').waitFor();
  const editor = provision(page, place).locator(".cm-content");
  await provision(page, place).locator(".words").click();
  await editor.waitFor();
  return editor;
}

/** The server has everything that was written on this page. */
export const saved = (page) => page.locator('.state[data-safe="true"][data-link="online"]').waitFor();
