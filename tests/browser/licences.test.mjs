// What others wrote and the page carries along goes with its licences, at one address.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { licences } from "../../server/web/licences.mjs";
import { meeting } from "./page.mjs";

let house, browser;
meeting(async (...both) => { [house, browser] = both; });

test("the licences are where the page says", async () => {
  const page = await browser.newPage();
  await page.goto(`http://${house.address}/join`);
  await page.getByRole("link", { name: /^Licences/ }).click();
  await page.waitForURL(`http://${house.address}/licences`);
  const answer = await fetch(`http://${house.address}/licences`);
  assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
  const text = await answer.text();
  for (const name of ["@automerge/automerge", "@codemirror/view", "preact", "fast-diff"]) assert.match(text, new RegExp(`^${name} \\d`, "m"));
  assert.match(text, /^@automerge\/automerge \d[\s\S]*?MIT License/m);
  for (const crate of ["automerge", "zlib-rs", "serde_json"]) assert.match(text, new RegExp(`^${crate} \\d[\\w.-]* \\(.*\\)$`, "m"), `${crate}, inside the WebAssembly`);
  assert.doesNotMatch(text, /^(esbuild|typescript) \d/m, "what is not in the page is not named");
  await page.close();
});

test("a package without a licence text is not put into the page", () => {
  const root = mkdtempSync(join(tmpdir(), "codraft-licences-"));
  const report = { outputs: { "main.js": { inputs: { "src/main.ts": { bytesInOutput: 9 } } } } };
  const add = (name, bytesInOutput, text) => {
    const folder = join(root, "node_modules", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0" }));
    if (text !== undefined) writeFileSync(join(folder, "LICENSE.md"), text);
    report.outputs["main.js"].inputs[`node_modules/${name}/dist/index.js`] = { bytesInOutput };
  };
  add("@good/one", 9, "as you like");
  add("left-out", 0);
  assert.match(licences(root, [report]), /@good\/one 1\.0\.0\n\nas you like/);
  add("bare", 9);
  assert.throws(() => licences(root, [report]), /bare .*no licence text/);
  add("bare", 9, " \n");
  assert.throws(() => licences(root, [report]), /bare .*no licence text/);
});

test("WebAssembly with a crate whose licence nobody has is not put into the page", () => {
  const root = mkdtempSync(join(tmpdir(), "codraft-licences-"));
  const report = { inputs: { "one.wasm": {}, "src/main.ts": {} }, outputs: {} };
  const compiled = (...crates) => writeFileSync(join(root, "one.wasm"), `\0asm\u0001${crates.map((crate) => `/registry/src/there-1/${crate}/src/lib.rs\0`).join("\u0003")}`);
  writeFileSync(join(root, "crates.txt"), "In it:\n\nknown 1.2.3 (MIT)\nsome-other 0.1.0-beta.2 (MIT)\n\nas you like\n");
  compiled("known-1.2.3", "some-other-0.1.0-beta.2");
  assert.match(licences(root, [report]), /some-other 0\.1\.0-beta\.2 \(MIT\)\n\nas you like/);
  compiled("known-1.2.3", "known-1.2.4");
  assert.throws(() => licences(root, [report]), /no licence of known 1\.2\.4/);
  assert.doesNotMatch(licences(root, [{ ...report, inputs: {} }]), /known/);
});
