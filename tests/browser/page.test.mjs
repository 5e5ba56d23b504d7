// Delegates on the page: they write at once, offline, with an input method, from Word; and nothing is lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../foreign/server.mjs";
import { inserted } from "../foreign/words.mjs";
import { comeIn, delegate, edit, goOffline, meeting, open, provision, saved } from "./page.mjs";

let house, browser, usa, a, b, chair;

meeting(async (...both) => {
  [house, browser] = both;
  [, a] = await delegate(browser, house, "CAN");
  [usa, b] = await delegate(browser, house, "USA");
  const { token } = await house.post("/invitations", { role: "chair" });
  chair = await open(await comeIn(browser, house, token), house);
});

const of = async (code, place) => {
  const [heading, enumerator] = place;
  return (await house.proposals()).find((one) =>
    one.sponsors.includes(code) && one.provision.heading === heading && one.provision.enumerator === enumerator);
};
const words = (page, place) => provision(page, place).locator(".words").innerText();
const type = async (page, place, text, at = "Control+End") => {
  await edit(page, place);
  await page.keyboard.press(at);
  await page.keyboard.type(text);
};

test("two delegations write at once and see, as the chair does, each other's words attributed", async () => {
  // Pages that were opened before the others' delegation was there know it all the same, by name.
  const heard = (page, who, place) => page.locator(".unseen[role=status]", { hasText: `Delegation ${who} edited ${place}` }).waitFor({ state: "attached" });
  await Promise.all([
    heard(b, "CAN", "recalling a"), heard(a, "USA", "recalling b"),
    Promise.all([type(a, "recalling a", " as amended"), type(b, "recalling b", " as revised")]),
  ]);
  await Promise.all([saved(a), saved(b)]);
  for (const [page, ...all] of [[a, ["recalling b", "USA", "as revised"]], [b, ["recalling a", "CAN", "as amended"]], [chair, ["recalling a", "CAN", "as amended"], ["recalling b", "USA", "as revised"]]]) {
    for (const [place, code, words] of all) {
      await provision(page, place).locator(".words ins", { hasText: words }).waitFor();
      await provision(page, place).locator(".words ins .unseen", { hasText: `inserted by Delegation ${code}` }).waitFor({ state: "attached" });
      await provision(page, place).locator(".words .label", { hasText: code }).waitFor();
      await provision(page, place).locator(".margin .card", { hasText: code }).waitFor();
    }
  }
  assert.equal(inserted(await of("CAN", ["recalling", "a)"])), " as amended");
  assert.equal(inserted(await of("USA", ["recalling", "b)"])), " as revised");
});

test("both write in one provision, and each sees where the other is", async () => {
  await edit(a, "resolves 2");
  await edit(b, "resolves 2");
  await provision(b, "resolves 2").locator(".here", { hasText: "CAN" }).waitFor();
  await a.keyboard.press("Control+Home");
  await b.keyboard.press("Control+End");
  for (let n = 0; n < 10; n++) await Promise.all([a.keyboard.type("ab "), b.keyboard.type(" yz")]);
  await Promise.all([saved(a), saved(b)]);
  const text = "ab ".repeat(10) + "to continue the Working Group on Early Warning, open to all Member States, with the terms of reference in the Annex;" + " yz".repeat(10);
  await until("the server has both", async () => (await house.text()).includes(text));
  assert.equal(inserted(await of("CAN", ["resolves", "2"])), "ab ".repeat(10));
  assert.equal(inserted(await of("USA", ["resolves", "2"])), " yz".repeat(10));
});

test("undo takes back one's own words only", async () => {
  await edit(a, "resolves 4");
  await edit(b, "resolves 4");
  await a.keyboard.press("Control+End");
  await a.keyboard.type(" mine");
  await b.keyboard.press("Control+Home");
  await b.keyboard.type("theirs ");
  await provision(a, "resolves 4").locator(".cm-content", { hasText: /theirs\s*(USA)?\s*that warnings/ }).waitFor();
  await a.keyboard.press("Control+z");
  await until("one's own are gone", async () => !(await words(a, "resolves 4")).includes("mine"));
  assert.ok((await words(a, "resolves 4")).includes("theirs"));
  await a.keyboard.press("Control+z");
  await saved(a);
  assert.ok((await house.text()).includes("theirs that warnings should be issued"));
  // And after leaving and coming back, redo is still there.
  await a.keyboard.press("Escape");
  await edit(a, "resolves 4");
  await a.keyboard.press("Control+Shift+z");
  await until("they are back", async () => (await house.text()).includes("pictures are broadcast, mine"));
});

test("what is written offline survives a reload, is merged, and the page says so", async () => {
  await goOffline(a);
  await a.locator(".notice.warn").waitFor();
  await type(a, "considering a", " and rivers");
  await type(b, "considering b", " at all");
  await saved(b);
  await a.reload();
  await provision(a, "considering a").locator(".words", { hasText: "and rivers" }).waitFor();
  await a.locator(".notice.warn").waitFor();
  await type(a, "considering d", " and again");
  await a.context().setOffline(false);
  await saved(a);
  await a.locator(".notice.merged", { hasText: "considering b" }).waitFor();
  await provision(a, "considering b").locator(".words", { hasText: "at all" }).waitFor();
  await provision(b, "considering a").locator(".words ins", { hasText: "and rivers" }).waitFor();
  await provision(b, "considering d").locator(".words ins", { hasText: "and again" }).waitFor();
  assert.equal(inserted(await of("CAN", ["considering", "a)"])), " and rivers");
});

test("a click into a provision counts while the page's copy is still being opened", async () => {
  const context = await browser.newContext({ serviceWorkers: "block" });
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  await context.route(/automerge.*\.wasm$/, async (route) => {
    await released;
    await route.continue();
  });
  const page = await context.newPage();
  await page.goto(`http://${house.address}/join#${usa.token}`);
  await page.waitForURL(`http://${house.address}/`);
  await open(page, house);
  await provision(page, "resolves 1").locator(".words").click();
  release();
  await provision(page, "resolves 1").locator(".cm-content:focus").waitFor();
  await context.close();
});

test("what can be done at a provision is reached by the keyboard alone", async () => {
  const doing = provision(a, "instructs the Secretary-General 2").getByRole("button");
  await a.mouse.move(0, 0);
  await a.evaluate(() => document.querySelector('section[aria-label="instructs the Secretary-General 1"] .deeds button:last-child').focus());
  await a.keyboard.press("Tab");
  assert.equal(await a.evaluate(() => document.activeElement.ariaLabel), "Edit instructs the Secretary-General 2");
  assert.equal(await doing.first().evaluate((button) => getComputedStyle(button.parentElement).opacity), "1");
  await a.keyboard.press("Enter");
  await provision(a, "instructs the Secretary-General 2").locator(".cm-content:focus").waitFor();
  await a.keyboard.press("Escape");
});

test("the keys that write letters on some keyboards, and those of programmers' editors, do nothing else", async () => {
  const editor = await edit(a, "resolves 3");
  const before = await editor.innerText();
  const taken = await editor.evaluate((box) => [..."abcdefghijklmnopqrstuvwxyz0123456789\\|[]{}@#~/µ€"].filter((key) =>
    [{ ctrlKey: true, altKey: true }, { altKey: true }].some((held) =>
      !box.dispatchEvent(new KeyboardEvent("keydown", { key, ...held, bubbles: true, cancelable: true })))));
  assert.deepEqual(taken, []);
  for (const keys of ["Shift+Alt+ArrowDown", "Control+]", "Control+Shift+k"]) await a.keyboard.press(keys);
  assert.equal(await editor.innerText(), before);
  assert.equal(await a.locator(".writing").count(), 0);
});

test("an input method composes while others write in the same line", async () => {
  await edit(a, "recalling d");
  await a.keyboard.press("Control+End");
  await edit(b, "recalling d");
  await b.keyboard.press("Control+Home");
  const ime = await a.context().newCDPSession(a);
  for (const part of ["j", "ju", "jue", "决", "决定"]) {
    await ime.send("Input.imeSetComposition", { text: part, selectionStart: part.length, selectionEnd: part.length });
    await b.keyboard.type("x");
    await until("the other's words are at the server", async () => (await house.text()).includes("xthe reports of"));
  }
  await ime.send("Input.insertText", { text: "决定" });
  await Promise.all([saved(a), saved(b)]);
  const text = "xxxxxthe reports of the Secretary-General on the alerts of 2021–2023,决定";
  await until("both are whole", async () => (await house.text()).includes(text));
  await until("on both screens", async () => (await words(a, "recalling d")).includes("决定") && (await words(b, "recalling d")).includes("决定"));
  assert.equal(inserted(await of("CAN", ["recalling", "d)"])), "决定");
});

test("5 KB from Word come in as plain words", async () => {
  const line = "the protection of coastal communities and of those who warn them, ";
  const plain = `${line.repeat(40)}\r\n${line.repeat(40)}`;
  const html = `<html xmlns:w="urn:schemas-microsoft-com:office:word"><body><p class=MsoNormal style="color:red"><b>${line.repeat(40)}</b><o:p></o:p></p><p class=MsoNormal><script>document.title="owned"</script>${line.repeat(40)}</p></body></html>`;
  await edit(a, "noting");
  await a.keyboard.press("Control+End");
  await a.evaluate(({ html, plain }) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/html", html);
    clipboardData.setData("text/plain", plain);
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, { html, plain });
  await saved(a);
  const want = `${line.repeat(40).trimEnd()} ${line.repeat(40)}`;
  await until("it is one line of plain words", async () => (await house.text()).includes(want));
  assert.equal(await provision(a, "noting").locator(".cm-content b, .cm-content script, .cm-content p").count(), 0);
});

test("a provision is added, another suppressed, both by keyboard and by button", async () => {
  await edit(a, "instructs the Secretary-General 2");
  await a.keyboard.press("Control+End");
  await a.keyboard.press("Enter");
  await a.keyboard.type("to count the masts;");
  await saved(a);
  const add = await of("CAN", ["instructs the Secretary-General", "2bis"]);
  assert.equal(add?.mark, "ADD");
  await provision(b, "instructs the Secretary-General 2bis").locator(".words ins", { hasText: "to count the masts;" }).waitFor();
  await provision(b, "invites Member States 1").hover();
  await provision(b, "invites Member States 1").getByRole("button", { name: /^Suppress/ }).click();
  await saved(b);
  assert.equal((await of("USA", ["invites Member States", "1"]))?.mark, "SUP");
  await provision(a, "invites Member States 1").locator(".verdict", { hasText: "USA" }).waitFor();
  await provision(b, "invites Member States 1").hover();
  await provision(b, "invites Member States 1").getByRole("button", { name: /back/ }).click();
  // Once on record, a proposal keeps its number and its place in the list.
  await until("it is withdrawn", async () => (await of("USA", ["invites Member States", "1"]))?.status === "withdrawn");
});

test("payloads in text and names stay text", async () => {
  const payload = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  await house.post("/delegations", { code: "XSS", name: payload });
  const { token } = await house.post("/invitations", { role: "delegate", delegation: "XSS" });
  const page = await open(await comeIn(browser, house, token), house);
  await type(page, "invites Member States 2", payload);
  await saved(page);
  await provision(b, "invites Member States 2").locator(".words ins", { hasText: "<script>" }).first().waitFor();
  for (const one of [page, b, await open(b, house)]) {
    assert.equal(await one.locator("article img:not(.cm-widgetBuffer), article script").count(), 0);
    assert.ok(!(await one.title()).includes("owned"));
  }
  await page.context().close();
});

test("the views: clean, baseline, mine", async () => {
  await b.getByRole("button", { name: "Baseline" }).click();
  assert.ok(!(await words(b, "recalling b")).includes("as revised"));
  await b.getByRole("button", { name: "Clean" }).click();
  assert.ok((await words(b, "recalling b")).includes("as revised"));
  assert.equal(await b.locator("article ins").count(), 0);
  await b.getByRole("button", { name: "Mine" }).click();
  assert.ok(!(await words(b, "recalling a")).includes("as amended"));
  assert.ok((await words(b, "recalling b")).includes("as revised"));
  await b.getByRole("button", { name: "Marked" }).click();
});

test("the server is killed while one writes: nothing is lost", async () => {
  await edit(b, "considering c");
  await b.keyboard.press("Control+End");
  await b.keyboard.type(" before");
  await house.kill();
  await b.keyboard.type(" during");
  await b.locator(".notice.warn").waitFor();
  await house.restart();
  await b.keyboard.type(" after");
  await saved(b);
  assert.ok((await house.text()).includes("one source of power: before during after"));
});

test("an invitation that is revoked while one writes: the page says so and keeps the words", async () => {
  await edit(b, "instructs the Secretary-General 1");
  await house.kill();
  await b.locator(".notice.warn").waitFor();
  await b.keyboard.press("Control+End");
  await b.keyboard.type(" unsent words");
  await house.restart();
  await house.request("DELETE", `/accounts/${usa.account}`);
  const notice = b.locator(".notice.bad", { hasText: "no longer lets you in" });
  await notice.waitFor();
  const sent = (await house.text()).includes("unsent words");
  if (!sent) await notice.locator(".kept", { hasText: "unsent words" }).waitFor();
  assert.ok((await words(b, "instructs the Secretary-General 1")).includes("unsent words"));
  // With a new invitation for the same delegation they are sent.
  const { token } = await house.post("/invitations", { role: "delegate", delegation: "USA" });
  await b.goto(`http://${house.address}/join#${token}`);
  await b.waitForURL(`http://${house.address}/`);
  await open(b, house);
  await saved(b);
  assert.ok((await house.text()).includes("unsent words"));
});
