// The websocket to the server, as automerge-repo's network (docs/wire.md). The browser sends the cookie along.
import { cbor, NetworkAdapter, type Message, type PeerId, type PeerMetadata, type StorageId } from "@automerge/automerge-repo/slim";
import { signal } from "@preact/signals";

/** How it is with the server. */
export type Link =
  | { state: "connecting" } | { state: "online" }
  /** Not there; it is tried again. */
  | { state: "offline" }
  /** The server has closed for good, and said why: nothing is tried any more. */
  | { state: "closed"; code: number; reason: string };

/** Close codes after which trying again is of no use (docs/wire.md). */
const FINAL = new Set([4400, 4401, 4403]);
const PATIENCE = { first: 300, most: 10_000 };

export class Connection extends NetworkAdapter {
  readonly link = signal<Link>({ state: "connecting" });
  /** The server has said that there is no such document. */
  readonly missing = signal(false);
  /** The server's store: its heads are known by this name. */
  storage: StorageId | null = null;
  /** What the server refused, in its words. */
  onRefused: (reason: string) => void = () => {};
  #socket: WebSocket | null = null;
  #server: PeerId | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #wait = PATIENCE.first;
  #wanted = false;
  #said = "";
  #ready: Promise<void>;
  #markReady: () => void = () => {};
  #isReady = false;

  constructor(readonly url: string) {
    super();
    this.#ready = new Promise((resolve) => {
      this.#markReady = () => {
        this.#isReady = true;
        resolve();
      };
    });
    addEventListener("online", this.#again);
    addEventListener("offline", this.#lost);
  }

  override isReady(): boolean {
    return this.#isReady;
  }

  override whenReady(): Promise<void> {
    return this.#ready;
  }

  override connect(peerId: PeerId, peerMetadata?: PeerMetadata): void {
    this.peerId = peerId;
    if (peerMetadata !== undefined) this.peerMetadata = peerMetadata;
    this.#wanted = true;
    this.#open();
    // Offline the replica starts all the same.
    setTimeout(() => this.#markReady(), 500);
  }

  override disconnect(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    removeEventListener("online", this.#again);
    removeEventListener("offline", this.#lost);
    this.#socket?.close();
  }

  override send(message: Message): void {
    // The repo passes on what it hears, to everyone but its author: here, back to where it came from.
    if (message.type === "ephemeral" && message.senderId !== this.peerId) return;
    if (this.#socket?.readyState === WebSocket.OPEN && this.#server !== null) this.#write(message);
  }

  /** Tries at once. */
  readonly #again = () => {
    this.#wait = PATIENCE.first;
    clearTimeout(this.#timer);
    if (this.#wanted && this.#socket === null) this.#open();
  };

  /** The browser knows that the network is gone long before the socket does. */
  readonly #lost = () => {
    const socket = this.#socket;
    if (socket === null) return;
    // Its goodbye would wait for an answer that cannot come.
    socket.onclose = socket.onmessage = null;
    socket.close();
    this.#closed({ code: 1006, reason: "" });
  };

  retry(): void {
    this.#wanted = true;
    this.#again();
  }

  #open(): void {
    if (this.link.value.state === "closed") this.link.value = { state: "connecting" };
    this.#said = "";
    this.missing.value = false;
    const socket = new WebSocket(this.url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => this.#write({
      type: "join", senderId: this.peerId, peerMetadata: this.peerMetadata ?? {}, supportedProtocolVersions: ["1"],
    });
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => this.#receive(new Uint8Array(event.data));
    socket.onclose = (event) => this.#closed(event);
  }

  #write(message: object): void {
    const bytes = cbor.encode(message);
    // A copy of exactly these bytes: the encoder's buffer is larger.
    this.#socket?.send(new Uint8Array(bytes));
  }

  #receive(bytes: Uint8Array): void {
    const message = cbor.decode(bytes) as Message & { message?: string; peerMetadata?: PeerMetadata };
    switch (message.type) {
      case "peer":
        this.#server = message.senderId;
        this.storage = message.peerMetadata?.storageId ?? null;
        this.#wait = PATIENCE.first;
        this.link.value = { state: "online" };
        this.#markReady();
        this.emit("peer-candidate", { peerId: message.senderId, peerMetadata: message.peerMetadata ?? {} });
        break;
      case "error":
        this.#said = message.message ?? "";
        if (this.#said.startsWith("refused")) this.onRefused(this.#said);
        break;
      case "doc-unavailable":
        this.missing.value = true;
        this.emit("message", message);
        break;
      default:
        this.emit("message", message);
    }
  }

  #closed(event: { code: number; reason: string }): void {
    this.#socket = null;
    if (this.#server !== null) this.emit("peer-disconnected", { peerId: this.#server });
    this.#server = null;
    if (!this.#wanted) return;
    if (FINAL.has(event.code)) {
      this.#wanted = false;
      this.link.value = { state: "closed", code: event.code, reason: this.#said || event.reason };
      this.#markReady();
      return;
    }
    this.link.value = { state: "offline" };
    // Not all at once when a server comes back.
    this.#timer = setTimeout(() => this.#later(), this.#wait * (0.5 + Math.random()));
    this.#wait = Math.min(this.#wait * 2, PATIENCE.most);
  }

  #later(): void {
    if (this.#wanted && this.#socket === null) this.#open();
  }
}
