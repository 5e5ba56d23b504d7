// Writes crates.txt: the licences of the Rust crates inside Automerge's WebAssembly, which its package does not carry.
// Run by hand when Automerge's version changes (node crates.mjs; it needs Rust and the network): licences.mjs says so.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cratesIn } from "./licences.mjs";

const here = import.meta.dirname;
const automerge = join(here, "node_modules/@automerge/automerge");
const locked = readFileSync(join(here, "../../Cargo.lock"), "utf8");
const [, version] = /name = "automerge"\nversion = "(.*)"/.exec(locked);

// What Automerge's own wrapper for JavaScript is made of, with the features that it asks for. What else there may be
// follows from these, and from what the result itself says is in it, by name and version.
const wanted = {
  automerge: ["wasm", "utf16-indexing"], console_error_panic_hook: [], hex: [], itertools: [], "js-sys": [], "rustc-hash": [], serde: [],
  "serde-wasm-bindgen": [], serde_bytes: [], serde_json: [], thiserror: [], "wasm-bindgen": ["serde-serialize", "std"], "web-sys": ["console"],
};
const versions = new Map(cratesIn(readFileSync(join(automerge, "dist/automerge.wasm"))).map((crate) => crate.split(" ")));
versions.set("automerge", version);
const names = new Set([...Object.keys(wanted), ...versions.keys()]);
const dependencies = [...names].map((name) =>
  `${name} = { version = "${versions.has(name) ? `=${versions.get(name)}` : "*"}", features = ${JSON.stringify(wanted[name] ?? [])}, default-features = ${name in wanted} }\n`);

const folder = mkdtempSync(join(tmpdir(), "codraft-crates-"));
const cargo = (...args) => execFileSync("cargo", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
mkdirSync(join(folder, "src"));
writeFileSync(join(folder, "src/lib.rs"), "");
writeFileSync(join(folder, "Cargo.toml"), `[package]\nname = "carried"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n${dependencies.join("")}`);
const tree = cargo("tree", "--edges", "normal,no-proc-macro", "--target", "wasm32-unknown-unknown", "--prefix", "none", "--format", "{p}");
const lines = [...tree.matchAll(/^(\S+) v(\S+)/gm)].map(([, name, exact]) => `${name} ${exact}`);
const carried = [...new Set(lines)].filter((crate) => !crate.startsWith("carried ")).sort();
cargo("vendor", "--quiet", "--versioned-dirs");

/** A crate's licence: of several that it may be taken under the MIT one, all where all of them hold. */
function licenceOf(crate) {
  const source = join(folder, "vendor", crate.replace(" ", "-"));
  const [, terms] = /^license = "(.*)"/m.exec(readFileSync(join(source, "Cargo.toml"), "utf8"));
  const files = readdirSync(source).filter((file) => /^(un)?licen[cs]e|^copying/i.test(file)).sort();
  const chosen = terms.includes(" AND ") ? files : [files.find((one) => /mit/i.test(one)) ?? files[0]].filter((file) => file !== undefined);
  // Automerge's own crates carry no text; its package does.
  const paths = chosen.length === 0 ? [join(automerge, "LICENSE")] : chosen.map((file) => join(source, file));
  return { terms, text: paths.map((path) => readFileSync(path, "utf8").replaceAll("\r\n", "\n").trim()).join("\n\n") };
}

const [texts, terms] = [new Map(), new Map()];
for (const crate of carried) {
  const one = licenceOf(crate);
  terms.set(crate, one.terms);
  texts.set(one.text, [...(texts.get(one.text) ?? []), crate]);
}
const parts = [...texts].map(([text, crates]) => `${crates.map((crate) => `${crate} (${terms.get(crate)})`).join("\n")}\n\n${text}`);
const standard = "And Rust's standard library (MIT OR Apache-2.0), Copyright (c) The Rust Project Contributors, https://www.rust-lang.org, under the terms of the MIT licence as above.";
writeFileSync(join(here, "crates.txt"), `${["Automerge's WebAssembly contains the following Rust crates, under these licences.", ...parts, standard].join("\n\n")}\n`);
rmSync(folder, { recursive: true });
