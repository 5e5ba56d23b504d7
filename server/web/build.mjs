// Builds the page into dist/, compressed with brotli and gzip, for the server's build to take along.
import { build } from "esbuild";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { licences } from "./licences.mjs";

const here = import.meta.dirname;
const dist = join(here, "dist");
const made = join(here, "node_modules/.page");
for (const name of readdirSync(dist)) if (name !== "README.md") rmSync(join(dist, name), { recursive: true });
rmSync(made, { recursive: true, force: true });
mkdirSync(join(made, "page"), { recursive: true });

// The licences stand in a file of their own, not in the code.
const common = {
  absWorkingDir: here, bundle: true, minify: true, sourcemap: false, legalComments: "none", target: "es2022", logLevel: "warning", metafile: true,
};
const result = await build({
  ...common,
  entryPoints: { main: join(here, "src/main.tsx"), style: join(here, "src/style.css") },
  outdir: join(made, "page"),
  publicPath: "/page/",
  format: "esm",
  splitting: true,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  loader: { ".wasm": "file" },
  jsx: "automatic",
  jsxImportSource: "preact",
  // CodeMirror's styles go into a constructed sheet: the policy allows no inline ones.
  alias: { "style-mod": join(here, "src/replica/styles.ts") },
});
const outputs = Object.entries(result.metafile.outputs).map(([path, output]) => ({ path: basename(path), entry: output.entryPoint }));
const named = (entry) => outputs.find((output) => output.entry?.endsWith(entry)).path;
const files = outputs.map((output) => `/page/${output.path}`);
cpSync(join(here, "static"), join(made, "page"), { recursive: true });

writeFileSync(join(made, "index.html"), readFileSync(join(here, "src/index.html"), "utf8")
  .replace("MAIN", `/page/${named("src/main.tsx")}`)
  .replace("STYLE", `/page/${named("src/style.css")}`));
const version = files.join(" ");
const worker = await build({
  ...common,
  entryPoints: [join(here, "src/service-worker.ts")],
  outfile: join(made, "service-worker.js"),
  define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(String(hash(version))) },
});
writeFileSync(join(made, "licences.txt"), licences(here, [result.metafile, worker.metafile]));

/** A short name of a string. */
function hash(text) {
  let value = 5381;
  for (const character of text) value = ((value * 33) ^ character.codePointAt(0)) >>> 0;
  return value.toString(36);
}

let [raw, small] = [0, 0];
const walk = (dir) => readdirSync(dir).flatMap((name) => {
  const path = join(dir, name);
  return statSync(path).isDirectory() ? walk(path) : [path];
});
for (const path of walk(made)) {
  const bytes = readFileSync(path);
  const to = join(dist, relative(made, path));
  mkdirSync(join(to, ".."), { recursive: true });
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const brotli = brotliCompressSync(bytes, { params });
  writeFileSync(`${to}.br`, brotli);
  writeFileSync(`${to}.gz`, gzipSync(bytes, { level: 9 }));
  raw += bytes.length;
  small += brotli.length;
}
console.log(`the page: ${Math.round(raw / 1024)} KB, with brotli ${Math.round(small / 1024)} KB`);
