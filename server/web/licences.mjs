// The licences of what others wrote and the page carries along: of the packages that the bundler took anything from.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folders of the packages of which at least one byte is in the page, by the bundler's reports. */
function bundled(reports) {
  const inputs = reports.flatMap((report) => Object.values(report.outputs)).flatMap((output) => Object.entries(output.inputs));
  const folders = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(folders)].filter((folder) => folder !== undefined).sort();
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
  return ["The page of codraft contains the following packages, under these licences.\n", ...each].join(rule);
}
