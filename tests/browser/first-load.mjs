// Measures the page's first load: sh tests/page.sh
//
// Chromium neither counts nor slows what the page's workers load, Automerge's WebAssembly above all; so what comes over
// the wire, and a slow network, tell of reading only, which needs none of it.
import { chromium } from "playwright-core";
import { House, splice, until } from "../foreign/house.mjs";
import { chromiumPath, comeIn } from "./page.mjs";

const runs = Number(process.argv[2]);
/** Bits a second, and milliseconds there and back: the network of a full conference hall. */
const SLOW = { bits: 1_600_000, latency: 150 };
const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Opens the document: when its text stands there, when it can be written in, and what came over the wire until then. */
async function load(page, protocol, house) {
  const wire = { requests: 0, bytes: 0 };
  const came = ({ encodedDataLength }) => {
    wire.requests += 1;
    wire.bytes += encodedDataLength;
  };
  protocol.on("Network.loadingFinished", came);
  const start = performance.now();
  await page.goto(`http://${house.address}/documents/${house.document}`, { waitUntil: "commit" });
  await page.locator(".provision").first().waitFor();
  const read = { ms: performance.now() - start, ...wire };
  await page.locator('.state[data-safe="true"][data-link="online"]').waitFor();
  const write = { ms: performance.now() - start, ...wire };
  protocol.off("Network.loadingFinished", came);
  return { read, write };
}

/** A browser that was never here, but for the cookie of who has come in; and then comes again. */
async function visitor(browser, house, cookies, slow) {
  const context = await browser.newContext({ storageState: { cookies, origins: [] }, viewport: { width: 1280, height: 860 }, locale: "en-GB" });
  const page = await context.newPage();
  const protocol = await context.newCDPSession(page);
  await protocol.send("Network.enable");
  if (slow) {
    const bytes = SLOW.bits / 8;
    await protocol.send("Network.emulateNetworkConditions", { offline: false, latency: SLOW.latency, downloadThroughput: bytes, uploadThroughput: bytes });
  }
  const first = await load(page, protocol, house);
  await until("the page is kept", () => page.evaluate(() => navigator.serviceWorker.controller?.state === "activated"));
  await page.goto("about:blank");
  const again = await load(page, protocol, house);
  await context.close();
  return { first, again };
}

const house = await House.start();
const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
try {
  const { ticket, token } = await house.delegation("CAN");
  const documents = [["the sample", house.document]];
  const paragraphs = Array.from({ length: 400 }, (_, n) => `${n + 1}\tto support the members concerned in keeping the public warned at all times, as in the annex to decision ${n + 1} of the Council;`);
  const text = `Resolution 60\nOn a large text\nThe Council,\nresolves\n${paragraphs.join("\n")}\n`;
  house.document = (await house.post("/documents", { text, symbol: "T/60" })).document.id;
  documents.push(["400 provisions, 2,000 changes", house.document]);
  const client = await house.open(ticket);
  for (let n = 0; n < 2000; n++) splice(client, 5 + (n % 390), (words) => words.length - 1, 0, "x");
  await until("all of it is proposed", async () => (await house.proposals()).length === 390);

  const entrance = await comeIn(browser, house, token);
  const { cookies } = await entrance.context().storageState();
  await entrance.context().close();

  console.log("| document | network | | until it is read, ms | over the wire, KB | requests | until it is written in, ms |");
  console.log("| --- | --- | --- | ---: | ---: | ---: | ---: |");
  for (const [name, document] of documents) {
    house.document = document;
    for (const slow of [false, true]) {
      const visits = [];
      for (let n = 0; n < runs; n++) visits.push(await visitor(browser, house, cookies, slow));
      for (const which of ["first", "again"]) {
        const of = (stage, what) => middle(visits.map((visit) => visit[which][stage][what]));
        const network = slow ? `${SLOW.bits / 1e6} Mbit/s, ${SLOW.latency} ms` : "local";
        const write = slow ? "" : Math.round(of("write", "ms"));
        console.log(`| ${name} | ${network} | ${which} | ${Math.round(of("read", "ms"))} | ${Math.round(of("read", "bytes") / 1024)} | ${of("read", "requests")} | ${write} |`);
      }
    }
  }
} finally {
  await browser.close();
  await house.stop();
}
