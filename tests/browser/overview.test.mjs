// What the page puts together of an overview and of what has changed since.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { buildSync } from "../../server/web/node_modules/esbuild/lib/main.js";

// What it is bundled with asks for it.
globalThis.navigator ??= {};
const entry = join(import.meta.dirname, "../../server/web/src/overview.ts");
const { outputFiles } = buildSync({ entryPoints: [entry], bundle: true, format: "esm", write: false });
const { after, whole } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);

const all = (items) => ({ whole: true, items });
const nothing = { whole: false, items: [] };
const provision = (id, text) => ({ provision: { id }, runs: [{ text }] });
const proposal = (number, status, id = "p-1") => ({ id, number, status });
const comment = (number, text) => ({ number, text });
const rest = { document: { id: "d" }, heads: ["h1"], rounds: [] };

const first = after({
  ...rest, edition: "a-1", roster: { aa: "CAN" }, provisions: all([provision("1", "one"), provision("2", "two"), provision("3", "three")]),
  // A delegation has proposed anew what was settled: the same id.
  proposals: all([proposal("CAN/1", "agreed"), proposal("CAN/2", "tabled")]), comments: all([comment(1, "why?")]),
}, null);

test("what has changed takes its place, what has not stays the same object", () => {
  const now = after({
    ...rest, edition: "a-2", since: "a-1", heads: ["h2"], roster: { bb: "USA" }, provisions: { whole: false, items: [provision("2", "two and more")] },
    proposals: { whole: false, items: [proposal("CAN/2", "rejected")] }, comments: nothing,
  }, first);
  assert.deepEqual(now.attribution.provisions.map((one) => one.runs[0].text), ["one", "two and more", "three"]);
  assert.equal(now.attribution.provisions[0], first.attribution.provisions[0]);
  assert.deepEqual(now.attribution.roster, { aa: "CAN", bb: "USA" });
  assert.deepEqual([now.edition, now.attribution.heads], ["a-2", ["h2"]]);
  assert.deepEqual(now.proposals.map((one) => [one.number, one.status]), [["CAN/1", "agreed"], ["CAN/2", "rejected"]]);
  assert.equal(now.comments, first.comments);
  assert.equal(first.attribution.provisions[1].runs[0].text, "two", "what was known before is as it was");
});

test("what is new, what has gone, and what has moved", () => {
  const now = after({
    ...rest, edition: "a-2", since: "a-1", roster: {}, provisions: { whole: false, items: [provision("4", "four")], order: ["3", "4", "1"] },
    proposals: { whole: false, items: [], order: ["CAN/2"] }, comments: { whole: false, items: [comment(2, "because")], order: ["1", "2"] },
  }, first);
  assert.deepEqual(now.attribution.provisions.map((one) => one.provision.id), ["3", "4", "1"]);
  assert.equal(now.attribution.provisions[0], first.attribution.provisions[2]);
  assert.deepEqual(now.proposals.map((one) => one.number), ["CAN/2"]);
  assert.deepEqual(now.comments.map((one) => one.text), ["why?", "because"]);
});

test("everything said anew: the same things are the same objects, and nothing of before is left", () => {
  const said = { ...whole(first), edition: "b-1", roster: { cc: "FRA" }, comments: all([]) };
  const now = after(structuredClone(said), first);
  assert.equal(now.attribution.provisions, first.attribution.provisions);
  assert.deepEqual(now.attribution.roster, { cc: "FRA" });
  assert.deepEqual(now.comments, []);
});

test("what is kept is what the server would say to a newcomer", () => {
  assert.deepEqual(after(structuredClone(whole(first)), null), first);
});
