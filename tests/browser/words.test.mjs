// The page's catalogues of words: the same names in every language, each with the same values to fill in.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { transformSync } from "../../server/web/node_modules/esbuild/lib/main.js";

const folder = join(import.meta.dirname, "../../server/web/src");

async function catalogue(name) {
  const { code } = transformSync(readFileSync(join(folder, "words", `${name}.ts`), "utf8"), { loader: "ts", format: "esm" });
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`))[name];
}

const values = (words) => [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("every language has the same words, with the same values", async () => {
  const en = await catalogue("en");
  const others = readdirSync(join(folder, "words")).map((file) => file.replace(".ts", "")).filter((name) => name !== "en");
  assert.deepEqual(others, ["ar", "fr"]);
  for (const name of others) {
    const other = await catalogue(name);
    assert.deepEqual(Object.keys(other).sort(), Object.keys(en).sort(), name);
    for (const [word, said] of Object.entries(en)) {
      // One of a thing may be said without the figure.
      if (!word.endsWith("_one")) assert.deepEqual(values(other[word]), values(said), `${name}: ${word}`);
      assert.ok(other[word].trim() !== "", `${name}: ${word}`);
    }
  }
});

test("every word is used somewhere", async () => {
  const files = readdirSync(folder, { recursive: true }).filter((file) => /\.tsx?$/.test(file) && !file.startsWith("words/"));
  const source = files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
  const used = (word) => {
    const [stem] = word.split("_");
    return source.includes(`"${word}"`) || source.includes(`\`${stem}_\${`) || (/_(one|other)$/.test(word) && source.includes(`"${stem}"`));
  };
  assert.deepEqual(Object.keys(await catalogue("en")).filter((word) => !used(word)), []);
});
