// Hocuspocus as it comes, without persistence. Says its address once it listens.
import { Server } from "@hocuspocus/server";

const server = new Server({ port: Number(process.argv[2]), address: "127.0.0.1", quiet: true });
await server.listen();
console.log(`listening on ws://127.0.0.1:${server.address.port}/`);
