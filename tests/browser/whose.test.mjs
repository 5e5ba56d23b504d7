// Whose words the page says they are before the server has said so: never anybody's but their author's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../foreign/server.mjs";
import { comeIn, delegate, edit, goOffline, meeting, open, provision, saved } from "./page.mjs";

let house, browser, can, usa;

meeting(async (...both) => {
  [house, browser] = both;
  can = await house.delegation("CAN");
  [, usa] = await delegate(browser, house, "USA");
});

/** Canada's page, with what it asks the server and what it is sent at the test's mercy. */
async function watched(prepare) {
  const context = await browser.newContext({ serviceWorkers: "block", locale: "en-GB" });
  await prepare(context);
  const page = await context.newPage();
  await page.goto(`http://${house.address}/join#${can.token}`);
  await page.waitForURL(`http://${house.address}/`);
  await open(page, house);
  await saved(page);
  return page;
}

/** Something that can be held up. */
function gate() {
  let [open, opened] = [() => {}, Promise.resolve()];
  return {
    hold: () => { opened = new Promise((resolve) => { open = resolve; }); },
    release: () => open(),
    passed: () => opened,
  };
}

async function append(page, place, text) {
  await edit(page, place);
  await page.keyboard.press("Control+End");
  await page.keyboard.type(text);
}

const told = (page, place) => provision(page, place).locator(".words").evaluate((words) =>
  [...words.querySelectorAll("ins, del")].map((mark) => `${mark.tagName.toLowerCase()} ${(mark.querySelector(".unseen")?.textContent ?? mark.title).trim()}`));

test("words that came in are their author's at once, or nobody's, but not the reader's", async () => {
  const answers = gate();
  const page = await watched((context) => context.route(/\/overview/, async (route) => {
    const answer = await route.fetch();
    await answers.passed();
    await route.fulfill({ response: answer });
  }));
  answers.hold();
  const fresh = (place, text) => provision(page, place).locator(".words ins.fresh", { hasText: text });
  // Of this one the page has never heard.
  const [, fra] = await delegate(browser, house, "FRA");
  await append(fra, "resolves 1", " far");
  await fresh("resolves 1", "far").waitFor();
  assert.ok((await told(page, "resolves 1")).every((one) => !one.includes("CAN")), String(await told(page, "resolves 1")));
  answers.release();
  await provision(page, "resolves 1").locator(".words ins:not(.fresh)", { hasText: "Delegation FRA" }).waitFor();
  // Of this one it has.
  answers.hold();
  await append(fra, "resolves 2", " away");
  await fresh("resolves 2", "away").waitFor();
  assert.deepEqual(await told(page, "resolves 2"), ["ins inserted by Delegation FRA:"]);
  // What one writes oneself beside that is one's own.
  await append(page, "resolves 3", " here");
  await page.keyboard.press("Escape");
  await fresh("resolves 3", "here").waitFor();
  assert.deepEqual(await told(page, "resolves 3"), ["ins inserted by Delegation CAN:"]);
  // And also where one has the same words in one's hands.
  const editor = await edit(page, "recalling a");
  await append(fra, "recalling a", " afar");
  await editor.locator("ins", { hasText: "afar" }).waitFor();
  const titles = () => editor.locator("ins").evaluateAll((all) => all.map((one) => `${one.title} ${one.textContent.trim()}`));
  assert.deepEqual(await titles(), ["inserted by Delegation FRA: afar"]);
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("Near, ");
  await saved(page);
  await fra.keyboard.type(" off");
  await editor.locator("ins", { hasText: "afar off" }).waitFor();
  assert.deepEqual(await titles(), ["inserted by Delegation CAN: Near,", "inserted by Delegation FRA: afar off"]);
  await page.keyboard.press("Escape");
  assert.deepEqual(await told(page, "recalling a"), ["ins inserted by Delegation CAN:", "ins inserted by Delegation FRA:"]);
  answers.release();
  await provision(page, "resolves 3").locator(".words ins:not(.fresh)", { hasText: "here" }).waitFor();
  await page.context().unrouteAll({ behavior: "ignoreErrors" });
  await page.context().close();
  await fra.context().close();
});

test("words that the server speaks of, and that are not here yet, are struck by nobody", async () => {
  const messages = gate();
  const page = await watched((context) => context.routeWebSocket(/\/sync/, (socket) => {
    const server = socket.connectToServer();
    for (const [from, to] of [[socket, server], [server, socket]]) {
      let queue = Promise.resolve();
      from.onMessage((message) => { queue = queue.then(messages.passed).then(() => to.send(message)); });
    }
  }));
  messages.hold();
  await append(page, "resolves 4", " mine");
  await append(usa, "resolves 4", " theirs");
  await saved(usa);
  await page.keyboard.press("Escape");
  // The proposal of the other's is in the margin: the page has read what the server says.
  await provision(page, "resolves 4").locator(".margin .card", { hasText: "USA" }).waitFor();
  assert.deepEqual(await told(page, "resolves 4"), ["ins inserted by Delegation CAN:"]);
  messages.release();
  await provision(page, "resolves 4").locator(".words ins", { hasText: "theirs" }).waitFor();
  await until("both are attributed", async () => (await told(page, "resolves 4")).sort().join() === "ins inserted by Delegation CAN:,ins inserted by Delegation USA:");
  await page.context().close();
});

test("what one wrote without the server is one's own after a reload, also where others wrote in the same place", async () => {
  const page = await open(await comeIn(browser, house, can.token), house);
  await saved(page);
  // The server has never heard of the actor that writes here.
  await goOffline(page);
  await append(page, "considering a", " two");
  await append(usa, "considering a", " three");
  await saved(usa);
  await page.reload();
  await provision(page, "considering a").locator(".words ins", { hasText: "two" }).waitFor();
  const marks = await told(page, "considering a");
  assert.ok(marks.length > 0 && marks.every((one) => one === "ins inserted by Delegation CAN:"), String(marks));
  await page.context().setOffline(false);
  await saved(page);
  await provision(page, "considering a").locator(".words ins", { hasText: "three" }).waitFor();
  await until("both are attributed", async () => new Set(await told(page, "considering a")).size === 2);
  await page.context().close();
});

test("who edited what is said, also where what the server says of it comes before the news", async () => {
  const page = await watched((context) => context.addInitScript(() => {
    const listen = EventSource.prototype.addEventListener;
    const news = new Promise((resolve) => { window.letNews = resolve; });
    EventSource.prototype.addEventListener = function (name, hear) {
      listen.call(this, name, name === "changes" ? (event) => void news.then(() => hear(event)) : hear);
    };
  }));
  await append(usa, "considering b", " early");
  await saved(usa);
  // Something else has it read meanwhile.
  await house.post(`/documents/${house.document}/comments`, { provision: (await house.proposals())[0].provision.id, text: "Late?" });
  await provision(page, "considering b").locator(".words ins:not(.fresh)", { hasText: "early" }).waitFor();
  await page.evaluate(() => window.letNews());
  await page.locator(".unseen[role=status]", { hasText: "Delegation USA edited considering b" }).waitFor({ state: "attached" });
  await page.context().close();
});
