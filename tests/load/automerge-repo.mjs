// automerge-repo's server as its sync server wires it, with files for a store. Says its address once it listens.
import { Repo } from "@automerge/automerge-repo";
import { WebSocketServerAdapter } from "@automerge/automerge-repo-network-websocket";
import { NodeFSStorageAdapter } from "@automerge/automerge-repo-storage-nodefs";
import { WebSocketServer } from "ws";

const sockets = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });
const storage = new NodeFSStorageAdapter(process.argv[3]);
new Repo({
  network: [new WebSocketServerAdapter(sockets)],
  storage,
  peerId: "storage-server-load",
  sharePolicy: async () => false,
});
// Whoever comes before the repo listens to its sockets is never heard.
while (!sockets.address() || sockets.listenerCount("connection") === 0) {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
console.log(`listening on ws://127.0.0.1:${sockets.address().port}/`);
