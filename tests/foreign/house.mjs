// A real codraft server, and stock automerge-repo clients of it.
import * as A from "@automerge/automerge";
import { Repo } from "@automerge/automerge-repo";
import { WebSocketClientAdapter } from "@automerge/automerge-repo-network-websocket";
import { Server, until } from "./server.mjs";

export { sample, until } from "./server.mjs";
export { inserted } from "./words.mjs";

/** Puts words into a provision's text, in the place of `strikes` characters: one change. */
export function splice(handle, at, where, strikes, words) {
  handle.change((doc) => A.splice(doc, ["provisions", at, "text"], where(String(doc.provisions[at].text)), strikes, words));
}

export class House extends Server {
  repos = [];

  async stop() {
    const adapters = this.repos.flatMap((repo) => repo.networkSubsystem.adapters);
    const sockets = adapters.map((adapter) => adapter.socket).filter((socket) => socket !== undefined);
    // One that is just connecting again says that it was interrupted, when its adapter listens no more.
    for (const socket of sockets) socket.addEventListener("error", () => {});
    for (const adapter of adapters) adapter.disconnect();
    // A server that is gone before the goodbye is said would be an error that nobody awaits.
    await until("the clients are gone", () => sockets.every((socket) => socket.readyState === socket.CLOSED));
    await super.stop();
  }

  /** A stock client, with nothing but a URL. */
  repo(ticket) {
    const adapter = new WebSocketClientAdapter(`ws://${this.address}/sync?ticket=${ticket}`, 200);
    const repo = new Repo({ network: [adapter], sharePolicy: async () => true });
    this.repos.push(repo);
    return repo;
  }

  /** The document in a stock client. */
  async open(ticket) {
    const handle = await this.repo(ticket).find(`automerge:${this.document}`);
    await handle.whenReady();
    return handle;
  }
}
