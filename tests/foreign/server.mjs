// A real codraft server with a store of its own, for tests in JavaScript.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const programs = process.env.CODRAFT_PROGRAMS ?? join(import.meta.dirname, "../../target/debug");
export const sample = readFileSync(join(import.meta.dirname, "../../protocol/samples/resolution.txt"), "utf8");

/** Waits until `condition` holds. */
export async function until(what, condition) {
  const start = Date.now();
  for (;;) {
    if (await condition()) return;
    if (Date.now() - start > 60_000) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A server with a store of its own. */
export class Server {
  /** `settings`: variables of the environment (docs/configuration.md). */
  static async start(settings = {}) {
    const house = new this();
    house.settings = settings;
    house.dir = mkdtempSync(join(tmpdir(), "codraft-foreign-"));
    house.data = join(house.dir, "data");
    const server = join(programs, "codraft-server");
    house.secretariat = execFileSync(server, ["init", "--data-dir", house.data], { encoding: "utf8" }).trim();
    await house.serve("127.0.0.1:0");
    house.document = (await house.post("/documents", { text: sample, symbol: "T/1" })).document.id;
    return house;
  }

  async serve(listen) {
    const args = ["serve", "--data-dir", this.data, "--listen", listen, "--log", "warn", "--reserve-mb", "0"];
    this.child = spawn(join(programs, "codraft-server"), args, { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...this.settings } });
    const lines = createInterface({ input: this.child.stdout });
    for await (const line of lines) {
      this.address = line.replace("listening on http://", "");
      return;
    }
    throw new Error("the server does not serve");
  }

  /** kill -9. */
  async kill() {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
  }

  async restart() {
    await this.serve(this.address);
  }

  async stop() {
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async request(method, path, token, body) {
    const answer = await fetch(`http://${this.address}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token ?? this.secretariat}` },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text === "" ? undefined : answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
  }

  post(path, body, token) {
    return this.request("POST", path, token, body);
  }

  get(path, token) {
    return this.request("GET", path, token);
  }

  async proposals() {
    return (await this.get(`/documents/${this.document}/proposals`)).proposals;
  }

  async text() {
    return this.get(`/documents/${this.document}/text`);
  }

  /** A delegation with a ticket. */
  async delegation(code) {
    const { token, account } = await this.post("/delegations", { code, name: `Delegation ${code}` });
    const { ticket, id } = await this.post("/tickets", {}, token);
    return { code, token, ticket, id, account: account.id };
  }
}
