// The stock @automerge/automerge-repo client against a real codraft server.
import * as A from "@automerge/automerge";
import { ImmutableString, updateText } from "@automerge/automerge-repo";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { House, inserted, until } from "./house.mjs";

let house, can, usa, a, b;

before(async () => {
  house = await House.start();
  [can, usa] = [await house.delegation("CAN"), await house.delegation("USA")];
  [a, b] = [await house.open(can.ticket), await house.open(usa.ticket)];
});

after(() => house.stop());

const put = (handle, at, words) => handle.change((d) => updateText(d, ["provisions", at, "text"], words));
const said = (handle, at) => String(handle.doc().provisions[at].text);
const of = async (code) => (await house.proposals()).filter((p) => p.sponsors.includes(code));

test("two clients see each other's edits, and each is its own delegation's", async () => {
  put(a, 3, `${said(a, 3)} and its annex`);
  await until("USA sees CAN's words", () => said(b, 3).endsWith("and its annex"));
  put(b, 4, `the revised ${said(b, 4)}`);
  await until("CAN sees USA's words", () => said(a, 4).startsWith("the revised "));
  await until("both are proposals", async () => (await house.proposals()).length === 2);
  const [first, second] = await house.proposals();
  assert.deepEqual([first.sponsors, first.mark, inserted(first)], [["CAN"], "MOD", " and its annex"]);
  assert.deepEqual([second.sponsors, second.mark, inserted(second)], [["USA"], "MOD", "the revised "]);
});

test("what clients whisper to each other is passed on, and not held against those who pass it back", async () => {
  const heard = [];
  b.on("ephemeral-message", ({ message }) => heard.push(message.at));
  for (let n = 1; n <= 3; n++) {
    a.broadcast({ at: n });
    await until("USA hears it", () => heard.includes(n));
  }
  // Whoever was closed would have to come back before this arrives.
  assert.equal(house.repos.every((repo) => repo.peers.length === 1), true);
});

test("new provisions, written as JavaScript writes them", async () => {
  const kinds = { kind: "paragraph", part: "operative", level: 1, suppressed: {} };
  const at = a.doc().provisions.length - 6;
  a.change((d) => d.provisions.splice(at, 0, { ...kinds, enumerator: "9", text: "to add by plain strings;" }));
  const fixed = Object.fromEntries(Object.entries(kinds).map(([k, v]) => [k, typeof v === "string" ? new ImmutableString(v) : v]));
  b.change((d) => d.provisions.splice(at, 0, { ...fixed, enumerator: new ImmutableString("10"), text: "to add by fixed strings;" }));
  await until("both stand", async () => {
    const text = await house.text();
    return text.includes("9\tto add by plain strings;") && text.includes("10\tto add by fixed strings;");
  });
  const added = (await house.proposals()).filter((p) => p.mark === "ADD").map((p) => [p.sponsors[0], inserted(p)]);
  assert.deepEqual(new Map(added), new Map([["USA", "to add by fixed strings;"], ["CAN", "to add by plain strings;"]]));
});

test("a paragraph that is removed, and one that is emptied, are suppressions", async () => {
  const find = (words) => a.doc().provisions.findIndex((p) => String(p.text).includes(words));
  await until("both clients agree", () => a.doc().provisions.length === b.doc().provisions.length);
  a.change((d) => d.provisions.splice(find("exercises with the population"), 1));
  b.change((d) => updateText(d, ["provisions", find("guidelines") === -1 ? 0 : b.doc().provisions.findIndex((p) => String(p.text).includes("take part in the exercises")), "text"], ""));
  await until("two suppressions", async () => (await house.proposals()).filter((p) => p.mark === "SUP").length === 2);
  const gone = (await house.proposals()).filter((p) => p.mark === "SUP");
  assert.deepEqual(gone.map((p) => p.sponsors[0]).sort(), ["CAN", "USA"]);
  // No words vanish: the struck ones are in the proposals.
  assert.ok(JSON.stringify(gone).includes("exercises with the population"));
});

test("20 KB pasted at once", async () => {
  const words = "the protection of coastal communities, ".repeat(520);
  put(a, 5, said(a, 5) + words);
  await until("USA has them", () => said(b, 5).endsWith(words));
  await until("they are CAN's", async () => (await of("CAN")).some((p) => inserted(p) === words));
});

test("1,000 changes made while the server is down come in when it is back", async () => {
  await house.kill();
  const start = said(a, 7);
  for (let n = 0; n < 1000; n++) a.change((d) => A.splice(d, ["provisions", 7, "text"], 0, 0, "x"));
  put(b, 8, `offline ${said(b, 8)}`);
  await house.restart();
  await until("USA has all of them", () => said(b, 7) === "x".repeat(1000) + start);
  await until("CAN has USA's", () => said(a, 8).startsWith("offline "));
  await until("they are attributed", async () => (await of("CAN")).some((p) => inserted(p) === "x".repeat(1000)));
  assert.ok((await of("USA")).some((p) => inserted(p) === "offline "));
  // And again: what was acknowledged survives.
  const text = await house.text();
  await house.kill();
  await house.restart();
  assert.ok((await house.text()) === text);
});

test("the roster names the owner of every actor", async () => {
  const { roster } = await house.get(`/documents/${house.document}/attribution`);
  assert.equal(roster[A.getActorId(a.doc())], "CAN");
  assert.equal(roster[A.getActorId(b.doc())], "USA");
});

test("forged changes are refused, quarantined and reported, live and relayed", async () => {
  const quarantine = async () => (await house.get(`/documents/${house.document}/quarantine`)).quarantine;
  const events = await fetch(`http://${house.address}/api/v1/documents/${house.document}/events`, {
    headers: { authorization: `Bearer ${house.secretariat}` },
  });
  // Live: USA writes with CAN's actor.
  const forger = await house.open(usa.ticket);
  const actor = A.getActorId(a.doc());
  forger.update((d) => A.change(A.clone(d, { actor }), (d) => updateText(d, ["provisions", 10, "text"], "forged")));
  await until("it is refused", async () => (await quarantine()).length === 1);
  // Relayed: a change of CAN's that the server has never seen, brought by USA.
  const laptop = await house.open(can.ticket);
  put(laptop, 11, `laptop: ${said(laptop, 11)}`);
  await until("the laptop's actor is known as CAN's", async () => (await house.text()).includes("laptop: "));
  const text = await house.text();
  const own = A.getActorId(laptop.doc());
  const unsent = A.change(A.clone(laptop.doc(), { actor: own }), (d) => updateText(d, ["provisions", 11, "text"], "relayed"));
  const relay = await house.open(usa.ticket);
  await until("the relay has the rest", () => said(relay, 11).startsWith("laptop: "));
  relay.update((d) => A.applyChanges(d, [A.getLastLocalChange(unsent)])[0]);
  await until("that is refused, too", async () => (await quarantine()).length >= 2);
  const refused = await quarantine();
  assert.ok(refused.every((one) => one.sender === usa.account && one.size > 0 && one.reason.length > 10));
  assert.ok((await house.text()) === text, "the document is unchanged");
  // The event stream has told it.
  const told = events.body.getReader();
  for (let said = ""; !said.includes("event: refused"); ) said += new TextDecoder().decode((await told.read()).value);
  // A server that stops would break it off, which nobody awaits.
  await told.cancel();
  // Others go on.
  put(b, 12, `still here: ${said(b, 12)}`);
  await until("CAN sees it", () => said(a, 12).startsWith("still here: "));
});

test("a revoked ticket closes the door, and the client does not fall over", async () => {
  const complaints = [];
  const note = (error) => complaints.push(error);
  process.on("uncaughtException", note);
  await house.request("DELETE", `/tickets/${usa.id}`, usa.token);
  const repo = house.repo(usa.ticket);
  const finding = repo.find(`automerge:${house.document}`, { allowableStates: ["ready"] });
  const outcome = await Promise.race([
    finding.then((handle) => handle.whenReady().then(() => "ready"), () => "unavailable"),
    new Promise((resolve) => setTimeout(() => resolve("waiting"), 2000)),
  ]);
  assert.notEqual(outcome, "ready");
  put(a, 13, `after that: ${said(a, 13)}`);
  await until("CAN goes on", async () => (await house.text()).includes("after that: "));
  process.off("uncaughtException", note);
  assert.deepEqual(complaints, []);
});
