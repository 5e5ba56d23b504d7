// This delegation's copy of one document, in the browser's own store: edits go on without the server.
import * as A from "@automerge/automerge/slim";
import wasm from "@automerge/automerge/automerge.wasm";
import { decodeHeads, type DocHandle, initializeWasm, type PeerId, Repo } from "@automerge/automerge-repo/slim";
import { IndexedDBStorageAdapter } from "@automerge/automerge-repo-storage-indexeddb";
import { batch, effect, signal } from "@preact/signals";
import type { AttributedProvision, Attribution } from "../api";
import { runsOf, standing } from "../marks";
import { Beyond, type Made } from "./beyond";
import { Connection } from "./connection";

/** A provision as the document has it (docs/schema.md). */
interface Stored { kind: unknown; part: unknown; level: unknown; enumerator: unknown; text: unknown; suppressed?: Record<string, boolean> }
export interface Doc { provisions: Stored[] }

/** A provision as this replica has it now. */
export interface Held {
  id: string; kind: string; part: string; level: number; enumerator: string; text: string; suppressedBy: string[];
}

/** Who is where, as they say themselves. */
export interface Whereabouts { delegation: string; provision: string; seen: number }

/** What came of a time without the server. */
export interface Merged { sent: number; received: number; provisions: string[] }

const asText = (value: unknown): string => (value === undefined || value === null ? "" : String(value));
/** Each page that writes is an actor: so many may be unknown to the server. */
const ACTORS = 100;
const PRESENCE = { every: 8_000, forget: 20_000 };

function isHere(handle: DocHandle<Doc>): boolean {
  return handle.isReady() && handle.doc().provisions !== undefined;
}

/** Nothing is stored here yet, and the server is not there, or only now: waits for what it sends. */
function arrival(handle: DocHandle<Doc>, connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    // A handle is ready only behind the event.
    const look = () => queueMicrotask(() => { if (isHere(handle)) settle(resolve); });
    handle.on("heads-changed", look);
    const stop = effect(() => {
      const link = connection.link.value;
      const missing = connection.missing.value;
      if (link.state === "closed") queueMicrotask(() => settle(() => reject(new Error(link.reason))));
      else if (missing) queueMicrotask(() => settle(() => reject(new Error("the server has no such document"))));
    });
    const settle = (how: () => void) => {
      stop();
      handle.off("heads-changed", look);
      how();
    };
    look();
  });
}

export class Replica {
  readonly held = signal<Held[]>([]);
  /** Whether the server has everything on its disk that was written here; null while nobody knows. */
  readonly safe = signal<boolean | null>(null);
  readonly whereabouts = signal<Map<string, Whereabouts>>(new Map());
  readonly merged = signal<Merged | null>(null);
  readonly refused = signal<string | null>(null);
  /** The server's newest word on each provision that speaks of nothing that this copy lacks. */
  readonly base = signal<Map<string, AttributedProvision>>(new Map());
  #away: A.Heads | null = null;
  #place: string | null = null;
  #told = 0;
  #timer: ReturnType<typeof setInterval>;
  readonly #beyond = new Beyond();
  /** The server's word, while it speaks of more than this copy has. */
  #word: Attribution | null = null;
  #roster: Record<string, string> = {};
  /** Up to where the changes of this copy were looked at. */
  #seen: A.Heads;
  /** The actors in whose name this browser wrote what the server may not have yet. */
  #actors: string[];

  private constructor(
    readonly repo: Repo, readonly connection: Connection, readonly handle: DocHandle<Doc>, readonly me: string,
  ) {
    this.#seen = this.heads();
    this.#actors = this.#remembered();
    // Also changes that leave the text as it was: a word that came and went.
    handle.on("heads-changed", () => this.#read());
    handle.on("remote-heads", () => this.#judge());
    handle.on("ephemeral-message", ({ senderId, message }) => this.#heard(senderId, message));
    connection.onRefused = (reason) => { this.refused.value = reason; };
    connection.link.subscribe((link) => {
      if (link.state === "offline" && this.#away === null) this.#away = this.#serverHeads() ?? this.heads();
      if (link.state !== "online") this.whereabouts.value = new Map();
    });
    this.#timer = setInterval(() => this.#tell(), PRESENCE.every);
    window.document.addEventListener("visibilitychange", this.#leaving);
    this.#read();
  }

  static async open(database: string, document: string, me: string): Promise<Replica> {
    const url = new URL("/sync", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("document", document);
    const connection = new Connection(url.href);
    await initializeWasm(wasm);
    const repo = new Repo({
      storage: new IndexedDBStorageAdapter(database),
      network: [connection],
      peerId: `page-${crypto.randomUUID()}` as PeerId,
      sharePolicy: async () => true,
    });
    const handle = await repo.find<Doc>(`automerge:${document}` as never, { allowableStates: ["ready", "unavailable"] });
    if (!isHere(handle)) await arrival(handle, connection);
    return new Replica(repo, connection, handle, me);
  }

  /** Who puts the page away may close it: what was written last is stored at once. */
  readonly #leaving = () => {
    if (window.document.visibilityState === "hidden") void this.repo.flush();
  };

  close(): void {
    clearInterval(this.#timer);
    window.document.removeEventListener("visibilitychange", this.#leaving);
    this.connection.disconnect();
    void this.repo.flush();
  }

  heads(): A.Heads {
    return A.getHeads(this.handle.doc());
  }

  /**
   * Whose changes of a provision this copy holds beyond `base`: a delegation's where all are; null: somebody's, or
   * several delegations'; undefined: none.
   */
  author(id: string): string | null | undefined {
    return this.#beyond.author(id);
  }

  /** The texts of a provision since `base`, each with who made it of the one before. */
  layers(id: string, text: string): { author: string | null; text: string }[] {
    return this.#beyond.layers(id).map(({ author, heads }) => ({ author, text: heads === null ? text : this.#textAt(id, heads) }));
  }

  /** Reads one provision of an older state, and nothing else of it. */
  #textAt(id: string, heads: A.Heads): string {
    const document = A.getBackend(this.handle.doc());
    const text = document.getWithType(id, "text", heads);
    return text?.[0] === "text" ? document.text(text[1], heads) : "";
  }

  /** The server's word on who wrote what. It counts here once this copy has everything that it speaks of. */
  attributed(word: Attribution): void {
    this.#word = word;
    this.#roster = word.roster;
    this.#compare();
  }

  #compare(): void {
    const [word, doc] = [this.#word, this.handle.doc()];
    if (word === null || !A.hasHeads(doc, word.heads)) return;
    this.#word = null;
    const texts = new Map(word.provisions.map((one) => [one.provision.id, standing(runsOf(one))]));
    const differing = this.held.value.filter((one) => texts.get(one.id) !== one.text).map((one) => one.id);
    this.#beyond.keep(word.heads, this.#since(word.heads), differing);
    this.base.value = new Map(word.provisions.map((one) => [one.provision.id, one]));
  }

  /** What this copy has that is not in the history of some heads. */
  #since(heads: A.Heads): Made[] {
    const changes = A.getChangesMetaSince(this.handle.doc(), heads);
    return changes.map(({ hash, deps, actor }) => ({ hash, deps, author: this.#isOwn(actor) ? this.me : this.#roster[actor] ?? null }));
  }

  /** Automerge writes at an older state of the text in the name of the actor with a prefix. */
  #isOwn(actor: string): boolean {
    return [A.getActorId(this.handle.doc()), ...this.#actors].some((own) => actor.endsWith(own));
  }

  /** Where a provision stands in a document; -1: nowhere. */
  static at(doc: Doc | A.Doc<Doc>, id: string): number {
    const provisions = doc.provisions;
    for (let n = 0; n < provisions.length; n++) if (A.getObjectId(provisions[n]) === id) return n;
    return -1;
  }

  static text(doc: Doc | A.Doc<Doc>, id: string): string | undefined {
    const at = Replica.at(doc, id);
    return at < 0 ? undefined : asText(doc.provisions[at]?.text);
  }

  /** The elements of the first and the last of some characters of a provision, by which they are known everywhere. */
  elements(id: string, from: number, to: number): { from: string; to: string } | undefined {
    const doc = this.handle.doc();
    const at = Replica.at(doc, id);
    if (at < 0 || from >= to) return undefined;
    const path = ["provisions", at, "text"];
    return { from: A.getCursor(doc, path, from), to: A.getCursor(doc, path, to - 1) };
  }

  /** Adds an empty provision behind another and answers its id. */
  addAfter(id: string, enumerator: string): string | undefined {
    let at = -1;
    this.handle.change((doc) => {
      const before = Replica.at(doc, id);
      const model = doc.provisions[before];
      if (model === undefined) return;
      at = before + 1;
      const fixed = (value: unknown) => new A.ImmutableString(asText(value));
      const kind = asText(model.kind);
      const level = Number(model.level);
      A.insertAt(doc.provisions, at, {
        kind: fixed(kind === "paragraph" || kind === "continuation" ? kind : "paragraph"), part: fixed(model.part),
        level: kind === "heading" ? 1 : level, enumerator: fixed(enumerator), text: "", suppressed: {},
      });
    });
    const made = at < 0 ? undefined : this.handle.doc().provisions[at];
    return made === undefined ? undefined : A.getObjectId(made) ?? undefined;
  }

  /** Suppresses a provision in this delegation's name, or takes that back. */
  suppress(id: string, yes: boolean): void {
    this.handle.change((doc) => {
      const one = doc.provisions[Replica.at(doc, id)];
      if (one === undefined) return;
      if (one.suppressed === undefined) one.suppressed = {};
      if (yes) one.suppressed[this.me] = true;
      else delete one.suppressed[this.me];
    });
  }

  /** Takes an own addition back. */
  withdraw(id: string): void {
    this.handle.change((doc) => {
      const at = Replica.at(doc, id);
      if (at >= 0) A.deleteAt(doc.provisions, at, 1);
    });
  }

  /** Tells the others where one is. */
  editing(provision: string | null): void {
    if (this.#place === provision) return;
    this.#place = provision;
    this.#told = 0;
    this.#tell();
  }

  /** Forgets this copy: the server's takes its place at the next opening. */
  async forget(): Promise<void> {
    this.connection.disconnect();
    await this.repo.flush();
    await this.repo.storageSubsystem?.removeDoc(this.handle.documentId);
  }

  #tell(): void {
    const now = Date.now();
    const old = [...this.whereabouts.value].filter(([, one]) => now - one.seen < PRESENCE.forget);
    if (old.length !== this.whereabouts.value.size) this.whereabouts.value = new Map(old);
    if (this.#place === null && this.#told > 0) return;
    this.#told = now;
    if (this.connection.link.value.state === "online") {
      this.handle.broadcast({ delegation: this.me, provision: this.#place ?? "" });
    }
  }

  #heard(sender: string, message: unknown): void {
    const { delegation, provision } = (message ?? {}) as Record<string, unknown>;
    // Nobody vouches for these words: they may say where somebody is, and nothing else.
    if (typeof delegation !== "string" || typeof provision !== "string") return;
    if (!/^[A-Z][A-Z0-9-]{0,15}$/.test(delegation) || provision.length > 120) return;
    const next = new Map(this.whereabouts.value);
    if (provision === "") next.delete(sender);
    else next.set(sender, { delegation, provision, seen: Date.now() });
    this.whereabouts.value = next;
  }

  #read(): void {
    const doc = this.handle.doc();
    const before = new Map(this.held.value.map((one) => [one.id, one.text]));
    const held = doc.provisions.map((one): Held => ({
      id: A.getObjectId(one) ?? "",
      kind: asText(one.kind), part: asText(one.part), level: Number(one.level ?? 0),
      enumerator: asText(one.enumerator), text: asText(one.text),
      suppressedBy: Object.keys(one.suppressed ?? {}),
    }));
    if (before.size > 0) {
      const changed = held.filter((one) => before.get(one.id) !== one.text).map((one) => one.id);
      const changes = this.#since(this.#seen);
      if (changes.some((change) => change.author === this.me)) this.#remember();
      this.#beyond.add(changes, changed);
    }
    this.#seen = A.getHeads(doc);
    batch(() => {
      this.held.value = held;
      this.#compare();
    });
    this.#judge();
  }

  /** What was written here is still this delegation's after a reload without the server. */
  #remember(): void {
    const actor = A.getActorId(this.handle.doc());
    if (this.#actors.includes(actor)) return;
    // Another page may have written meanwhile.
    this.#actors = [...this.#remembered(), actor].slice(-ACTORS);
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#actors));
    } catch {
      // Their words are shown as nobody's until the server says whose they are.
    }
  }

  #remembered(): string[] {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "[]") as string[];
    } catch {
      return [];
    }
  }

  get #key(): string {
    return `codraft-actors-${this.me}-${this.handle.documentId}`;
  }

  #serverHeads(): A.Heads | null {
    const storage = this.connection.storage;
    const known = storage === null ? undefined : this.handle.getSyncInfo(storage);
    return known === undefined ? null : decodeHeads(known.lastHeads);
  }

  /** Whether what is here is on the server's disk: its heads say so, and it says them only then. */
  #judge(): void {
    const server = this.#serverHeads();
    if (server === null) return;
    const mine = this.heads();
    const same = mine.length === server.length && mine.every((head) => server.includes(head));
    this.safe.value = same;
    if (same && this.#away !== null && this.connection.link.value.state === "online") this.#report(this.#away);
  }

  #report(away: A.Heads): void {
    this.#away = null;
    const doc = this.handle.doc();
    const changes = A.getChangesMetaSince(doc, away);
    const sent = changes.filter((change) => this.#isOwn(change.actor)).length;
    const before = A.view(doc, away);
    const provisions = this.held.value
      .filter((one) => Replica.text(before, one.id) !== one.text)
      .map((one) => one.id);
    if (changes.length > 0) this.merged.value = { sent, received: changes.length - sent, provisions };
  }
}
