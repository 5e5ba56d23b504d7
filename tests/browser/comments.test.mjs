// Comments on the page: on a provision and on words of it; they stay with their words, and their words stay text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../foreign/server.mjs";
import { comeIn, delegate, edit, goOffline, meeting, open, provision, saved } from "./page.mjs";

let house, browser, a, b, chair;

meeting(async (...both) => {
  [house, browser] = both;
  [, a] = await delegate(browser, house, "CAN");
  [, b] = await delegate(browser, house, "USA");
  const { token } = await house.post("/invitations", { role: "chair" });
  chair = await open(await comeIn(browser, house, token), house);
});

const all = async () => (await house.get(`/documents/${house.document}/comments`)).comments;
const marked = (page, place) => provision(page, place).locator(".words mark.commented").allInnerTexts().then((texts) => texts.join(""));
const card = (page, place, text) => provision(page, place).locator(".margin details.comment", { hasText: text });
/** The same, opened, by the keyboard: what is open above may lie over it. */
async function opened(page, place, text) {
  const one = card(page, place, text);
  if (await one.getAttribute("open") === null) await one.locator("summary").press("Enter");
  return one;
}

/** Writes a comment by a provision's button, once its field is there. */
async function say(page, place, words) {
  await provision(page, place).hover();
  await provision(page, place).getByRole("button", { name: /^Comment/ }).click();
  await provision(page, place).locator(".writing textarea:focus").waitFor();
  await page.keyboard.type(words);
}

/** Selects the n-th of such words on the sheet, as with the mouse. */
async function select(page, place, words, nth = 1) {
  await provision(page, place).locator(".words").evaluate((box, { words, nth }) => {
    box.scrollIntoView({ block: "center" });
    const [nodes, walker] = [[], document.createTreeWalker(box, NodeFilter.SHOW_TEXT)];
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) if (node.parentElement.closest(".label, .unseen, del") === null) nodes.push(node);
    const whole = nodes.map((node) => node.textContent).join("");
    let at = -1;
    for (let n = 0; n < nth; n++) at = whole.indexOf(words, at + 1);
    const point = (offset, end) => {
      for (const node of nodes) {
        if (offset < node.length || (end && offset === node.length)) return [node, offset];
        offset -= node.length;
      }
    };
    const range = document.createRange();
    range.setStart(...point(at, false));
    range.setEnd(...point(at + words.length, true));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  }, { words, nth });
}

/** Puts the caret before words in a provision that is being edited. */
async function caret(page, place, before) {
  const text = await provision(page, place).locator(".cm-line").evaluate((line) => {
    const copy = line.cloneNode(true);
    for (const mark of copy.querySelectorAll(".label, del")) mark.remove();
    return copy.textContent;
  });
  const at = text.indexOf(before);
  assert.ok(at >= 0, `${place} says ${before}`);
  await page.keyboard.press("Control+Home");
  for (let n = 0; n < at; n++) await page.keyboard.press("ArrowRight");
}

test("words chosen while writing are commented on by a key, and everybody sees it beside them", async () => {
  await edit(a, "resolves 1");
  await caret(a, "resolves 1", "leading role");
  for (let n = 0; n < "leading role".length; n++) await a.keyboard.press("Shift+ArrowRight");
  await a.keyboard.press("Shift+F2");
  await provision(a, "resolves 1").locator(".writing blockquote", { hasText: /^leading role$/ }).waitFor();
  await a.keyboard.type("who pays?");
  await a.keyboard.press("Control+Enter");
  for (const page of [a, b, chair]) {
    await card(page, "resolves 1", "who pays?").locator("summary .who", { hasText: "CAN" }).waitFor();
    await until("its words are marked", async () => (await marked(page, "resolves 1")) === "leading role");
  }
  const [one] = await all();
  assert.deepEqual([one.words, one.by], [[{ text: "leading role", stands: true, struck_by: [] }], "CAN"]);
});

test("the comment stays with its words: edits before, inside, around, a strike, a reload", async () => {
  await edit(b, "resolves 1");
  await b.keyboard.press("Control+Home");
  await b.keyboard.type("firmly ");
  await b.keyboard.press("Control+End");
  await b.keyboard.type(" always");
  await caret(b, "resolves 1", " role");
  await b.keyboard.type("ly new");
  await saved(b);
  for (const page of [a, b]) {
    await until("the words around are not marked", async () => (await marked(page, "resolves 1")) === "leading role");
    await provision(page, "resolves 1").locator(".words", { hasText: /leading\s*ly new/ }).waitFor();
  }
  await caret(b, "resolves 1", "leading");
  for (let n = 0; n < "leading".length; n++) await b.keyboard.press("Delete");
  await saved(b);
  await (await opened(a, "resolves 1", "who pays?")).locator("blockquote del", { hasText: /^leading$/ }).waitFor();
  await b.keyboard.press("Escape");
  await open(a, house);
  await (await opened(a, "resolves 1", "who pays?")).locator("blockquote del", { hasText: /^leading$/ }).waitFor();
  assert.deepEqual((await all())[0].words.map((one) => [one.text, one.stands, one.struck_by]), [["leading", false, ["USA"]], [" role", true, []]]);
});

test("one who has no copy, the chair, comments on the very words that are chosen", async () => {
  const text = await provision(chair, "resolves 2").locator(".words p").innerText();
  const second = text.indexOf("the", text.indexOf("the") + 1);
  assert.ok(second > 0, text);
  await select(chair, "resolves 2", "the", 2);
  await chair.locator(".comment-here").click();
  await chair.locator(".writing textarea:focus").waitFor();
  await chair.keyboard.type("which one?");
  await chair.getByRole("button", { name: "Send" }).click();
  await card(a, "resolves 2", "which one?").locator("summary b", { hasText: "Chair" }).waitFor();
  await provision(chair, "resolves 2").locator("mark.commented").click();
  await card(chair, "resolves 2", "which one?").locator(".said .text").waitFor();
  const before = await provision(a, "resolves 2").locator(".words").evaluate((box) => {
    const range = document.createRange();
    range.setStart(box, 0);
    range.setEndBefore(box.querySelector("mark"));
    return range.toString().length;
  });
  assert.equal(before, second);
});

test("a whole provision, by its button; replies; who may resolve; a suppressed provision keeps it", async () => {
  await say(b, "invites Member States 1", "is this needed?\nWe think not.");
  await b.keyboard.press("Control+Enter");
  const theirs = await opened(a, "invites Member States 1", "is this needed?");
  assert.equal(await theirs.getByRole("button", { name: "Resolve" }).count(), 0, "another delegation does not put it away");
  await theirs.getByRole("button", { name: "Reply" }).click();
  await a.keyboard.type("we think so");
  await theirs.getByRole("button", { name: "Send" }).click();
  await (await opened(b, "invites Member States 1", "we think so")).locator(".said .who", { hasText: "CAN" }).waitFor();
  await provision(a, "invites Member States 1").hover();
  await provision(a, "invites Member States 1").getByRole("button", { name: /^Suppress/ }).click();
  await saved(a);
  await provision(b, "invites Member States 1").locator(".verdict", { hasText: "CAN" }).waitFor();
  await (await opened(b, "invites Member States 1", "is this needed?")).getByRole("button", { name: "Resolve" }).click();
  await provision(a, "invites Member States 1").locator(".resolved summary", { hasText: "One resolved comment" }).click();
  await (await opened(a, "invites Member States 1", "is this needed?")).getByText("Resolved by USA").waitFor();
});

test("what is opened or written beside the text does not move it, and one card is open at a time", async () => {
  const stands = () => provision(a, "resolves 2").evaluate((box) => [box.offsetTop, box.offsetHeight]);
  const before = await stands();
  const one = await opened(a, "resolves 1", "who pays?");
  await one.locator(".said").waitFor();
  assert.deepEqual(await stands(), before);
  await opened(a, "resolves 2", "which one?");
  assert.equal(await a.locator(".card[open]").count(), 1);
  await a.keyboard.press("Escape");
  assert.equal(await a.locator(".card[open]").count(), 0);
  assert.equal(await a.evaluate(() => document.activeElement.tagName), "SUMMARY");
  await say(a, "resolves 1", "well");
  assert.deepEqual(await stands(), before);
  await a.keyboard.press("Backspace");
  await a.locator(".writing textarea").fill("");
  await a.keyboard.press("Escape");
  await a.locator(".writing").waitFor({ state: "detached" });
});

test("a comment is text, whatever is in it", async () => {
  const payload = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  await say(a, "noting", payload);
  await a.keyboard.press("Control+Enter");
  await card(b, "noting", "<script>").waitFor();
  for (const page of [a, b]) {
    assert.equal(await page.locator("article img:not(.cm-widgetBuffer), article script").count(), 0);
    assert.ok(!(await page.title()).includes("owned"));
  }
});

const unsent = (page, text) => page.locator(".card.unsent", { hasText: text });

test("said offline, on words just written, it waits, survives a reload, and is sent once, in order", async () => {
  await say(b, "resolves 4", "before it");
  await b.keyboard.press("Control+Enter");
  await card(a, "resolves 4", "before it").waitFor();
  await goOffline(a);
  await edit(a, "resolves 3");
  await a.keyboard.press("Control+End");
  await a.keyboard.type(" and gales");
  for (let n = 0; n < "gales".length; n++) await a.keyboard.press("Shift+ArrowLeft");
  await a.keyboard.press("Shift+F2");
  await a.locator(".writing blockquote", { hasText: /^gales$/ }).waitFor();
  await a.keyboard.type("or storms?");
  await a.keyboard.press("Control+Enter");
  await unsent(a, "or storms?").getByText("Will be sent when you are connected again").waitFor();
  await say(a, "resolves 3", "never mind");
  await a.keyboard.press("Control+Enter");
  await unsent(a, "never mind").waitFor();
  await say(a, "resolves 3", "and the whole of it?");
  await a.keyboard.press("Control+Enter");
  await (await opened(a, "resolves 4", "before it")).getByRole("button", { name: "Reply" }).click();
  await a.keyboard.type("after it");
  await a.keyboard.press("Control+Enter");
  await (await opened(a, "resolves 1", "who pays?")).getByRole("button", { name: "Resolve" }).click();
  // What is shown is kept.
  const kept = async () => {
    for (const words of ["or storms?", "and the whole of it?"]) await unsent(a, words).waitFor();
    await unsent(a, "after it").waitFor();
    await provision(a, "resolves 1").locator(".card.unsent", { hasText: "Resolve" }).waitFor();
  };
  await kept();
  await a.reload();
  await kept();
  await unsent(a, "never mind").getByRole("button", { name: "Take back" }).click();
  await unsent(a, "never mind").waitFor({ state: "detached" });
  // The others go on meanwhile, around the words and at their place.
  await edit(b, "resolves 3");
  await b.keyboard.press("Control+End");
  await b.keyboard.type(" or hail");
  await saved(b);
  assert.ok(!(await all()).some((one) => one.text === "or storms?"));
  await a.context().setOffline(false);
  for (const page of [a, b, chair]) {
    for (const words of ["or storms?", "and the whole of it?"]) await card(page, "resolves 3", words).waitFor();
    await until("its words are marked", async () => (await marked(page, "resolves 3")) === "gales");
    await (await opened(page, "resolves 4", "before it")).locator(".said", { hasText: "after it" }).waitFor();
    await provision(page, "resolves 1").locator(".resolved > summary").waitFor();
  }
  await until("nothing waits any more", async () => (await a.locator(".unsent").count()) === 0);
  const mine = (await all()).filter((one) => one.provision.enumerator === "3" && one.by === "CAN");
  assert.deepEqual(mine.sort((x, y) => x.number - y.number).map((one) => one.text), ["or storms?", "and the whole of it?"]);
  assert.deepEqual(mine[0].words, [{ text: "gales", stands: true, struck_by: [] }]);
  assert.equal((await all()).find((one) => one.text === "before it").replies.length, 1);
});

test("the chair's page has no copy: said offline on words, a comment is on those, or comes back", async () => {
  const write = async (place, key, text) => {
    await edit(b, place);
    await b.keyboard.press(key);
    await b.keyboard.type(text);
    await saved(b);
  };
  await goOffline(chair);
  for (const [place, words, nth, text] of [["considering a", "o", 2, "this o?"], ["considering d", "i", 2, "this i?"]]) {
    await select(chair, place, words, nth);
    await chair.locator(".comment-here").click();
    await chair.locator(".writing textarea:focus").waitFor();
    await chair.keyboard.type(text);
    await chair.keyboard.press("Control+Enter");
    await unsent(chair, text).waitFor();
  }
  const before = (await provision(b, "considering a").locator(".words p").innerText()).split("o").slice(0, 2).join("o");
  await write("considering a", "Control+Home", "too often, ");
  await write("considering d", "Control+Home", "in time, ");
  await write("considering d", "Control+End", " in writing");
  await b.keyboard.press("Escape");
  await chair.context().setOffline(false);
  // What stood behind it still does.
  await card(b, "considering a", "this o?").waitFor();
  const ahead = await provision(b, "considering a").locator(".words").evaluate((box) => {
    const copy = box.cloneNode(true);
    for (const beside of copy.querySelectorAll(".unseen, .label")) beside.remove();
    const range = document.createRange();
    range.setStart(copy, 0);
    range.setEndBefore(copy.querySelector("mark"));
    return range.toString();
  });
  assert.equal(ahead, `too often, ${before}`);
  // On both sides something has changed: nobody can tell which it was.
  await unsent(chair, "this i?").getByRole("alert").getByText("be told from others there").waitFor();
  await unsent(chair, "this i?").getByRole("button", { name: "Copy" }).waitFor();
  assert.ok(!(await all()).some((one) => one.text === "this i?"));
  await unsent(chair, "this i?").getByRole("button", { name: "Dismiss" }).click();
});

test("an answer that is lost: what was said is there once", async () => {
  let lost = 0;
  await a.route("**/comments", async (route) => {
    if (route.request().method() !== "POST" || lost > 0) return route.continue();
    lost += 1;
    await route.fetch();
    await route.abort();
  });
  await say(a, "resolves 2", "is this lost?");
  await a.keyboard.press("Control+Enter");
  await card(b, "resolves 2", "is this lost?").waitFor();
  await card(a, "resolves 2", "is this lost?").waitFor();
  await until("it has been sent again", async () => (await a.locator(".unsent").count()) === 0);
  await a.unroute("**/comments");
  assert.equal(lost, 1);
  assert.equal((await all()).filter((one) => one.text === "is this lost?").length, 1);
});

test("what the server does not take stays with the reason and holds up nothing; an observer reads only", async () => {
  await goOffline(a);
  for (const words of ["ring the \u0007 bell", "and go on"]) {
    await say(a, "noting", "");
    await provision(a, "noting").locator(".writing textarea").fill(words);
    await a.keyboard.press("Control+Enter");
    await unsent(a, words.slice(-5)).waitFor();
  }
  await a.context().setOffline(false);
  await card(b, "noting", "and go on").waitFor();
  const refused = unsent(a, "bell");
  await refused.getByRole("alert").getByText("no control characters").waitFor();
  await a.reload();
  await refused.getByRole("button", { name: "Copy" }).waitFor();
  await refused.getByRole("button", { name: "Dismiss" }).click();
  await refused.waitFor({ state: "detached" });
  assert.ok(!(await all()).some((one) => one.text.includes("bell")));

  const { token } = await house.post("/invitations", { role: "observer" });
  const guest = await open(await comeIn(browser, house, token), house);
  await card(guest, "resolves 4", "before it").waitFor();
  await select(guest, "resolves 2", "the");
  assert.equal(await guest.locator(".comment-here").count(), 0);
  assert.equal(await guest.getByRole("button", { name: /Comment|Reply|Resolve/ }).count(), 0);
  await guest.context().close();
});
