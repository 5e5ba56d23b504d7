// What was said about the text and is not sent yet: kept in this browser, sent in order, once.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { type Comment, type NewComment, type Place, Problem, send } from "./api";
import { UnsentStore } from "./unsent/store";

/** A comment (`on`: its words, by their elements; `quote`: what they say), a reply, or that a comment is resolved. */
export type Saying =
  | { kind: "comment"; provision: Place; on: Partial<NewComment>; quote: string | null; text: string }
  | { kind: "reply"; comment: number; text: string }
  | { kind: "resolve"; comment: number; resolved: boolean };

/** `key`: by which the server knows it again; `refused`: why it did not take it, in its words. */
export type Unsent = Saying & { order: number; document: string; key: string; at: string; refused?: string };
export type UnsentComment = Extract<Unsent, { kind: "comment" }>;

/** How long to wait where the server could not answer. */
const AGAIN = 3_000;

/** Whether the same may well be taken another time: nothing is wrong with what was said. */
const passes = ({ status }: Problem) => status === 0 || status === 401 || status === 408 || status === 429 || status >= 500;

export class UnsentSayings {
  readonly #all = signal<Unsent[]>([]);
  /** The one that is on its way. */
  readonly going = signal<number | null>(null);
  readonly #store: Promise<UnsentStore>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  readonly #stop: () => void;

  /** `listed`: the comments that the server has told; `may`: whether one of a kind can be sent now; `said`: what came of it. */
  constructor(
    readonly document: string, by: string, readonly listed: () => Comment[],
    readonly may: (kind: Saying["kind"]) => boolean, readonly said: (comment: Comment) => void,
  ) {
    this.#store = UnsentStore.open(by);
    // Where nothing can be kept there is nothing to read; whoever says something is told.
    this.#open().catch(() => undefined);
    this.#stop = effect(() => {
      if (this.#next() !== undefined) untracked(() => void this.#send());
    });
  }

  /** What waits, and what was refused, in order; not what is in the server's list already, whose answer was lost. */
  readonly shown = computed(() => {
    const keys = new Set(this.listed().flatMap((one) => [one.key, ...(one.replies ?? []).map((reply) => reply.key)]));
    return this.#all.value.filter((one) => !keys.has(one.key));
  });

  async #open(): Promise<void> {
    this.#all.value = await (await this.#store).of(this.document);
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    clearTimeout(this.#timer);
  }

  /** Keeps it, and sends it as soon as that can be. Fails where this browser cannot keep it. */
  async say(saying: Saying): Promise<void> {
    const one = { ...saying, document: this.document, key: crypto.randomUUID(), at: new Date().toISOString() };
    const order = await (await this.#store).put(one);
    this.#all.value = [...this.#all.value, { ...one, order }];
  }

  async takeBack(one: Unsent): Promise<void> {
    await (await this.#store).remove(one.order);
    this.#drop(one);
  }

  #drop(one: Unsent): void {
    this.#all.value = this.#all.value.filter((other) => other.order !== one.order);
  }

  #next(): Unsent | undefined {
    return this.#all.value.find((one) => one.refused === undefined && this.may(one.kind));
  }

  async #send(): Promise<void> {
    if (this.going.value !== null) return;
    clearTimeout(this.#timer);
    for (let one = this.#next(); one !== undefined && !this.#closed; one = this.#next()) {
      this.going.value = one.order;
      const again = await this.#deliver(one).finally(() => { this.going.value = null; });
      if (!again) return;
    }
  }

  /** Whether to go on with the next one. */
  async #deliver(one: Unsent): Promise<boolean> {
    const store = await this.#store;
    // Another window may have sent it, or taken it back.
    if (!await store.has(one.order)) {
      this.#drop(one);
      return true;
    }
    try {
      const comment = await post(one);
      await store.remove(one.order);
      batch(() => {
        this.said(comment);
        this.#drop(one);
      });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (passes(error)) {
        if (!this.#closed) this.#timer = setTimeout(() => void this.#send(), AGAIN);
        return false;
      }
      const refused = { ...one, refused: error.detail };
      await store.put(refused);
      this.#all.value = this.#all.value.map((other) => (other.order === one.order ? refused : other));
    }
    return true;
  }
}

function post(one: Unsent): Promise<Comment> {
  const path = `/documents/${one.document}/comments`;
  const { key } = one;
  switch (one.kind) {
    case "comment":
      return send("POST", path, { ...one.on, provision: one.provision.id, text: one.text, key });
    case "reply":
      return send("POST", `${path}/${one.comment}/replies`, { text: one.text, key });
    case "resolve":
      return send("PUT", `${path}/${one.comment}/resolved`, { resolved: one.resolved });
  }
}
