// A large resolution with many proposals, and a long session: no key is dropped, a key draws what it must and nothing
// else, every turn of the wheel scrolls, and memory stays where it is. What is asserted is counted; how long it took is printed, and asserted nowhere:
// that is the machine's as much as the page's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { House, splice, until } from "../foreign/house.mjs";
import { comeIn, edit, meeting, open, provision, saved } from "./page.mjs";

const CODES = ["CAN", "BRA", "FRA", "JPN", "KEN"];
const [PROVISIONS, PROPOSALS] = [60, 200];
/** Edits of the long session: one's own, and as many by another delegation. */
const EDITS = 600;
const SAMPLES = 6;
let house, page, protocol, clients;

meeting(async (one, browser) => {
  house = one;
  const paragraphs = Array.from({ length: PROVISIONS }, (_, n) => `${n + 1}\tto support the members concerned in keeping the public warned at all times, as in the annex to decision ${n + 1} of the Council;`);
  const text = `Resolution 60\nOn a large text\nThe Council,\nresolves\n${paragraphs.join("\n")}\n`;
  house.document = (await house.post("/documents", { text, symbol: "T/60" })).document.id;
  clients = [];
  const delegations = [];
  for (const code of CODES) delegations.push(await house.delegation(code));
  for (const { ticket } of delegations) clients.push(await house.open(ticket));
  const first = clients[0].doc().provisions.findIndex((one) => String(one.text).startsWith("to support"));
  for (let n = 0; n < PROPOSALS; n++) {
    const at = first + (n % PROVISIONS);
    const who = (Math.floor(n / PROVISIONS) + n) % CODES.length;
    const behind = ["to ", "the ", "in ", "at "][Math.floor(n / PROVISIONS)];
    splice(clients[who], at, (text) => text.indexOf(behind) + behind.length, 0, `${CODES[who].toLowerCase()} `);
  }
  await until("all of it is proposed", async () => (await house.proposals()).length === PROPOSALS);
  page = await comeIn(browser, house, delegations[0].token);
  protocol = await page.context().newCDPSession(page);
  await protocol.send("Performance.enable");
}, () => House.start());

const sorted = (list) => [...list].sort((a, b) => a - b);
const rank = (list, part) => Math.round(sorted(list)[Math.min(list.length - 1, Math.floor(list.length * part))]);

/** Lets another delegation write, until it is told to stop; answers how many edits that were. */
function writing(client, at, every) {
  let [going, edits] = [true, 0];
  const done = (async () => {
    for (; going; edits++) {
      // A word comes and goes, so that the text is as long at the end as at the beginning.
      if (edits % 2 === 0) splice(client, at, (text) => text.length, 0, "x");
      else splice(client, at, (text) => text.length - 1, 1, "");
      await new Promise((resolve) => setTimeout(resolve, every));
    }
    return edits;
  })();
  return () => {
    going = false;
    return done;
  };
}

const place = (client, n) => client.doc().provisions.findIndex((one) => String(one.text).includes(`decision ${n} of`));

test(`${PROVISIONS} provisions, ${PROPOSALS} proposals: scrolled and written in while others write`, async (t) => {
  const start = performance.now();
  await open(page, house);
  await page.locator(".card").nth(PROPOSALS - 1).waitFor({ state: "attached" });
  t.diagnostic(`figure: from the address to the whole text with ${PROPOSALS} proposals: ${Math.round(performance.now() - start)} ms`);

  const stop = writing(clients[1], place(clients[1], 30), 100);
  // Every turn of the wheel counts, while others write.
  const turns = 24;
  await page.mouse.move(400, 400);
  for (let n = 0; n < turns; n++) await page.mouse.wheel(0, 100);
  await until("it is scrolled as far as the wheel was turned", () => page.evaluate((far) => Math.abs(scrollY - far) < 2, turns * 100));
  await page.evaluate(() => scrollTo(0, 0));
  const frames = await page.evaluate(() => new Promise((resolve) => {
    const [intervals, most] = [[], 120];
    let last = performance.now();
    const frame = (now) => {
      intervals.push(now - last);
      last = now;
      scrollBy(0, intervals.length < most / 2 ? 120 : -120);
      if (intervals.length < most) requestAnimationFrame(frame);
      else resolve(intervals.slice(1));
    };
    requestAnimationFrame(frame);
  }));
  t.diagnostic(`figure: a frame while scrolling, others writing: median ${rank(frames, 0.5)} ms, 95th of 100 ${rank(frames, 0.95)} ms, largest ${rank(frames, 1)} ms`);

  await edit(page, "resolves 20");
  await page.keyboard.press("Control+End");
  await page.evaluate(() => {
    window.keys = [];
    addEventListener("keydown", (event) => {
      const pressed = event.timeStamp;
      requestAnimationFrame(() => setTimeout(() => window.keys.push(performance.now() - pressed)));
    }, true);
  });
  const words = " and those who warn them, wherever they live, by day and by night, without delay";
  await protocol.send("Profiler.enable");
  await protocol.send("Profiler.startPreciseCoverage", { callCount: true });
  await page.keyboard.type(words, { delay: 40 });
  await saved(page);
  const { result } = await protocol.send("Profiler.takePreciseCoverage");
  await protocol.send("Profiler.disable");
  await stop();
  const drawn = result.flatMap((script) => script.functions).filter((one) => one.functionName === "render").reduce((sum, one) => sum + one.ranges[0].count, 0);
  const keys = await page.evaluate(() => window.keys);
  t.diagnostic(`figure: from a key to its letter on the screen, ${keys.length} keys, others writing: median ${rank(keys, 0.5)} ms, largest ${rank(keys, 1)} ms`);
  assert.ok((await house.text()).includes(`decision 20 of the Council;${words}`), "no key was dropped");
  assert.equal(keys.length, words.length);
  t.diagnostic(`figure: provisions drawn for ${keys.length} keys, others writing: ${drawn}`);
  assert.ok(drawn > 0 && drawn < 10 * keys.length, `only what is written in is drawn: ${drawn} provisions`);
});

test(`a long session, ${EDITS} edits of one's own and as many by others: memory stays where it is`, async (t) => {
  await open(page, house);
  await edit(page, "resolves 10");
  await page.keyboard.press("Control+End");
  const at = place(clients[2], 40);
  const heaps = [];
  let last = 0;
  page.on("response", () => { last = Date.now(); });
  const measure = async () => {
    await saved(page);
    // What is just being read is not kept, either.
    await until("the page has read what there is", () => Date.now() - last > 1000);
    for (let n = 0; n < 3; n++) await protocol.send("HeapProfiler.collectGarbage");
    const { usedSize } = await protocol.send("Runtime.getHeapUsage");
    const { metrics } = await protocol.send("Performance.getMetrics");
    const metric = (name) => metrics.find((one) => one.name === name).value;
    heaps.push({ mb: usedSize / 2 ** 20, nodes: metric("Nodes"), listeners: metric("JSEventListeners") });
  };
  // The first round is not counted: what is made once is made then.
  for (let sample = 0; sample <= SAMPLES; sample++) {
    for (let n = 0; n < EDITS / SAMPLES / 2; n++) {
      await page.keyboard.type("w");
      splice(clients[2], at, (text) => text.length, 0, "x");
      await page.keyboard.press("Backspace");
      splice(clients[2], at, (text) => text.length - 1, 1, "");
    }
    await until("the others' words are there", async () => (await provision(page, "resolves 40").locator(".words").innerText()).trim().endsWith(";"));
    await measure();
  }
  heaps.shift();
  // The least of each: what a collection has not got round to is not kept.
  const third = (list) => [list.slice(0, SAMPLES / 3), list.slice(-SAMPLES / 3)].map((part) => Math.min(...part));
  // Memory grows with the document's history; of nodes and listeners there are no more than before.
  for (const [what, of, more] of [["MB of heap", (one) => one.mb, 1.1], ["nodes", (one) => one.nodes, 1.02], ["listeners", (one) => one.listeners, 1.02]]) {
    const [first, last] = third(heaps.map(of));
    t.diagnostic(`figure: ${what}, first third against last third: ${first.toFixed(1)} / ${last.toFixed(1)}`);
    assert.ok(last < first * more, `${what}: ${heaps.map((one) => of(one).toFixed(1)).join(" ")}`);
  }
});
