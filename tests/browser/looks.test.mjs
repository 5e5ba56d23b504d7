// Delegations' colours and lines: told apart by everybody who sees, also where colours look alike, and readable.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { transformSync } from "../../server/web/node_modules/esbuild/lib/main.js";

const folder = join(import.meta.dirname, "../../server/web/src");
const style = readFileSync(join(folder, "style.css"), "utf8");
const { code } = transformSync(readFileSync(join(folder, "looks.ts"), "utf8"), { loader: "ts", format: "esm" });
const { lookOf, LINES, TONES } = await import(`data:text/javascript,${encodeURIComponent(code)}`);

/** A colour's name in the stylesheet, as it is in the light and in the dark. */
function colours(name) {
  const [, light, dark] = new RegExp(`${name}[^;]*?: (?:[^;]*\\{ --tone: )?light-dark\\((#\\w+), (#\\w+)\\)`).exec(style) ?? [];
  assert.ok(dark !== undefined, `${name} is in the stylesheet`);
  return { light, dark };
}

/** Red, green and blue as light, from 0 to 1. */
const light = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const times = (matrix, [r, g, b]) => matrix.map((row) => row[0] * r + row[1] * g + row[2] * b);

/** How light of these colours comes to who sees few reds, greens or blues (Machado, Oliveira and Fernandes, 2009). */
const EYES = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "no reds": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  "no greens": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  "no blues": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

/** How unlike two colours look, in Oklab: about 0.02 is the least that anybody sees. */
function unlike(a, b, eye) {
  const seen = (hex) => {
    const cones = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], times(eye, light(hex)).map((c) => Math.max(0, c)));
    return times([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]], cones.map(Math.cbrt));
  };
  const [one, other] = [seen(a), seen(b)];
  return Math.hypot(...one.map((value, at) => value - other[at]));
}

function contrast(a, b) {
  const [high, low] = [a, b].map((hex) => times([[0.2126, 0.7152, 0.0722]], light(hex))[0]).sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const tones = Array.from({ length: TONES }, (_, n) => colours(`\\.tone-${n} `));
const lineOf = (place) => lookOf(place).split(" ")[1];

test("of as many delegations as there are colours, each two differ for everybody: in colour, or in line", () => {
  for (let n = 0; n < TONES; n++) {
    for (let m = 0; m < n; m++) {
      for (const theme of ["light", "dark"]) {
        for (const [eye, matrix] of Object.entries(EYES)) {
          const least = lineOf(n) === lineOf(m) ? 0.09 : eye === "all" ? 0.08 : 0.05;
          const found = unlike(tones[n][theme], tones[m][theme], matrix);
          assert.ok(found > least, `${m} and ${n}, ${theme}, ${eye}: ${found.toFixed(3)}`);
        }
      }
    }
  }
});

test("every colour differs from the text's own, and is readable wherever it stands", () => {
  const [ink, sheet, wash] = ["--ink", "--sheet", "--wash"].map(colours);
  const [editing, commented] = ["\\.editing > \\.body", "mark\\.commented \\{ background"].map((name) => {
    const [, day, night] = new RegExp(`${name}[^}]*?light-dark\\((#\\w+), (#\\w+)\\)`).exec(style);
    return { light: day, dark: night };
  });
  for (const [n, tone] of [...tones, colours("\\.tone-none ")].entries()) {
    for (const theme of ["light", "dark"]) {
      for (const ground of [sheet, wash, editing, commented]) {
        const found = contrast(tone[theme], ground[theme]);
        assert.ok(found >= 4.5, `${n} on ${ground[theme]}: ${found.toFixed(2)}`);
      }
      if (n < TONES) for (const [eye, matrix] of Object.entries(EYES)) assert.ok(unlike(tone[theme], ink[theme], matrix) > 0.07, `${n}, ${theme}, ${eye}`);
    }
  }
});

test("looks are given out in order: all differ until colours and lines are used up", () => {
  const all = Array.from({ length: TONES * LINES }, (_, n) => lookOf(n));
  assert.equal(new Set(all).size, TONES * LINES);
  assert.equal(lookOf(TONES * LINES), all[0]);
  for (let n = 0; n < LINES; n++) assert.match(style, new RegExp(`\\.line-${n} \\{ --stroke: \\w+; \\}`));
});
