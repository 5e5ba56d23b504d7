// Moments that go wrong while somebody writes: plain words, and nothing typed is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Server, until } from "../foreign/server.mjs";
import { delegate, edit, meeting, open, provision, saved } from "./page.mjs";

let house, can, usa, a, b;

// A house that takes small changes only, so that a large paste is refused.
meeting(async (one, browser) => {
  house = one;
  [can, a] = await delegate(browser, house, "CAN");
  [usa, b] = await delegate(browser, house, "USA");
}, () => Server.start({ CODRAFT_CHANGE_BYTES: "4000" }));

test("a change is refused: the reason, the words for copying, and a way on that keeps them", async () => {
  await edit(a, "resolves 1");
  await a.keyboard.press("Control+End");
  await a.keyboard.type(" taken");
  await saved(a);
  const pasted = Array.from({ length: 800 }, (_, n) => `word${n}`).join(" ");
  await a.evaluate((pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, ` ${pasted}`);
  const notice = a.locator(".notice.bad", { hasText: "The server refused a change." });
  await notice.locator(".kept", { hasText: "word799" }).waitFor();
  await a.keyboard.type(" and more");
  await notice.locator(".kept", { hasText: "and more" }).waitFor();
  await notice.getByRole("button", { name: "Start afresh" }).click();
  const kept = a.locator("section.notice", { hasText: "Words kept for you" });
  await kept.locator("q", { hasText: /word799 and more/ }).waitFor();
  await saved(a);
  const text = await provision(a, "resolves 1").locator(".words").innerText();
  assert.ok(text.includes("taken") && !text.includes("word1"), text);
  assert.ok(!(await house.text()).includes("word1"));
  await a.reload();
  await kept.locator("q", { hasText: "word799" }).waitFor();
  // They are nobody else's to see who comes in at the same browser.
  const comeBack = async (token) => {
    await a.goto(`http://${house.address}/join#${token}`);
    await a.waitForURL(`http://${house.address}/`);
    await open(a, house);
  };
  await comeBack(usa.token);
  assert.equal(await kept.count(), 0);
  await comeBack(can.token);
  await kept.getByRole("button", { name: "Dismiss" }).click();
  await until("they are gone", async () => (await kept.count()) === 0);
  await edit(a, "resolves 2");
  await a.keyboard.press("Control+End");
  await a.keyboard.type(" on we go");
  await saved(a);
  assert.ok((await house.text()).includes("on we go"));
});

test("an invitation is revoked while a comment is written: it waits for a new one", async () => {
  await provision(b, "resolves 3").hover();
  await provision(b, "resolves 3").getByRole("button", { name: /^Comment/ }).click();
  await provision(b, "resolves 3").locator(".writing textarea:focus").waitFor();
  await b.keyboard.type("what is the cost?");
  await house.request("DELETE", `/accounts/${usa.account}`);
  await b.locator(".notice.bad", { hasText: "no longer lets you in" }).first().waitFor();
  await provision(b, "resolves 3").locator(".writing").getByRole("button", { name: "Send" }).click();
  await b.locator(".card.unsent", { hasText: "what is the cost?" }).waitFor();
  const { token } = await house.post("/invitations", { role: "delegate", delegation: "USA" });
  await b.goto(`http://${house.address}/join#${token}`);
  await b.waitForURL(`http://${house.address}/`);
  await open(b, house);
  await provision(a, "resolves 3").locator("details.comment", { hasText: "what is the cost?" }).waitFor();
});
