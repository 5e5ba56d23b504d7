// The browser's own store of what is not sent yet: each author's apart, as the replicas are, and in order.
import type { Unsent } from "../unsent";

const NAME = "unsent";

export class UnsentStore {
  private constructor(readonly database: IDBDatabase) {}

  static open(by: string): Promise<UnsentStore> {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open(`codraft-${NAME}-${by}`, 1);
      opening.onupgradeneeded = () => {
        opening.result.createObjectStore(NAME, { keyPath: "order", autoIncrement: true }).createIndex("document", "document");
      };
      opening.onsuccess = () => resolve(new UnsentStore(opening.result));
      opening.onerror = () => reject(opening.error);
    });
  }

  /** What waits for one document, in order. */
  of(document: string): Promise<Unsent[]> {
    return this.#done("readonly", (store) => store.index("document").getAll(document));
  }

  async has(order: number): Promise<boolean> {
    return await this.#done<number>("readonly", (store) => store.count(order)) > 0;
  }

  /** Keeps it, in its place where it has one already; answers its place once it is on the disk. */
  put(one: Omit<Unsent, "order"> & { order?: number }): Promise<number> {
    return this.#done("readwrite", (store) => store.put(one)) as Promise<number>;
  }

  remove(order: number): Promise<undefined> {
    return this.#done("readwrite", (store) => store.delete(order));
  }

  #done<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const transaction = this.database.transaction(NAME, mode, { durability: "strict" });
      const asked = act(transaction.objectStore(NAME));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  }
}
