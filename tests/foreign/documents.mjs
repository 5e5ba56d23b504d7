// Checks of the project's documents: every relative link leads somewhere, every fence is closed, and what
// README promises is there.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "../..");
const files = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");
const problems = [];
let links = 0;

/** A heading's anchor, as hosting sites make it. */
const anchor = (heading) =>
  heading.toLowerCase().replace(/[`*]/g, "").replace(/[^\p{L}\p{N} _-]/gu, "").trim().replace(/ /g, "-");

for (const file of files) {
  const text = readFileSync(join(root, file), "utf8");
  if ((text.match(/^```/gm) ?? []).length % 2 !== 0) problems.push(`${file}: a code fence is not closed`);
  const prose = text.replace(/^```[\s\S]*?^```/gm, "");
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    links += 1;
    const [path, fragment] = target.split("#");
    const full = path === "" ? join(root, file) : join(root, dirname(file), path);
    if (!existsSync(full)) {
      problems.push(`${file}: ${target} is not there`);
    } else if (fragment && full.endsWith(".md")) {
      const headings = [...readFileSync(full, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, h]) => anchor(h));
      if (!headings.includes(fragment)) problems.push(`${file}: ${target} has no such heading`);
    }
  }
}
const readme = readFileSync(join(root, "README.md"), "utf8");
for (const command of ["cargo run --release --bin codraft-server -- demo", "sh tests/all.sh"]) {
  if (!readme.includes(command)) problems.push(`README.md does not name: ${command}`);
}
for (const problem of problems) console.error(problem);
console.log(`${files.length} documents, ${links} links, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
