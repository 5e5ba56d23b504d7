// The licences of what others wrote and the page carries along: of the packages that the bundler took anything from,
// and of the crates inside their WebAssembly.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folders of the packages of which at least one byte is in the page, by the bundler's reports. */
function bundled(reports) {
  const inputs = reports.flatMap((report) => Object.values(report.outputs)).flatMap((output) => Object.entries(output.inputs));
  const folders = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(folders)].filter((folder) => folder !== undefined).sort();
}

/** The crates that a compiled Rust program names where it may fail, as `name version`. */
export function cratesIn(wasm) {
  const named = wasm.toString("latin1").matchAll(/registry\/src\/[^/]+\/([\w-]+)-(\d+\.[\w.+-]+)\//g);
  return [...new Set([...named].map(([, name, version]) => `${name} ${version}`))].sort();
}

/** The licences of the crates inside the WebAssembly that is bundled; nothing where there is none. */
function crates(root, reports) {
  const bundled = reports.flatMap((report) => Object.keys(report.inputs ?? {})).filter((path) => path.endsWith(".wasm"));
  if (bundled.length === 0) return [];
  const text = readFileSync(join(root, "crates.txt"), "utf8");
  const unnamed = bundled.flatMap((path) => cratesIn(readFileSync(join(root, path)))).filter((crate) => !text.includes(`\n${crate} (`));
  if (unnamed.length > 0) throw new Error(`crates.txt has no licence of ${unnamed.join(", ")}: node crates.mjs`);
  return [text];
}

/** Their names, versions and licences as one text; `root` is what the paths in the reports start from. */
export function licences(root, reports) {
  const each = bundled(reports).map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const files = readdirSync(join(root, folder)).filter((file) => /^(un)?licen[cs]e|^copying|^notice/i.test(file)).sort();
    const texts = files.map((file) => readFileSync(join(root, folder, file), "utf8").trim());
    if (texts.join("") === "") throw new Error(`${name} is in the page, and has no licence text that could go with it`);
    return `${name} ${version}\n\n${texts.join("\n\n")}\n`;
  });
  const rule = `\n${"-".repeat(80)}\n\n`;
  return ["The page of codraft contains the following packages, under these licences.\n", ...each, ...crates(root, reports)].join(rule);
}
