// What this copy holds beyond what the server has attributed: which changes, in which provisions, and whose. Pure.

/** One change, and the delegation that made it; null: nobody knows yet. */
export interface Made { hash: string; deps: string[]; author: string | null }

/** What some changes of one delegation after another came to: `heads` after them; null: all there is. */
export interface Layer { author: string | null; heads: string[] | null }

/** Where so many take turns in one provision, it is nobody's until the server says more. */
const TURNS = 16;

/** Whose changes of a provision there are; null where they are several delegations'. */
interface Authors { one: string | null; several: boolean }

export class Beyond {
  #base: string[] = [];
  /** In an order in which each stands behind what it depends on. */
  #made: (Made & { ids: string[] })[] = [];
  #authors = new Map<string, Authors>();

  /** Changes were made here, or came in, and changed the words of some provisions. */
  add(changes: Made[], ids: string[]): void {
    for (const change of changes) this.#put({ ...change, ids });
  }

  /**
   * The server has attributed the history of `base`, and this copy holds `changes` beyond it. `differing` are the
   * provisions whose words are other than it says: what nobody saw come in, before this copy was opened, is in those.
   */
  keep(base: string[], changes: Made[], differing: string[]): void {
    const seen = new Map(this.#made.map((one) => [one.hash, one.ids]));
    const known = new Set(changes.flatMap(({ hash }) => seen.get(hash) ?? []));
    const unseen = differing.filter((id) => !known.has(id));
    [this.#base, this.#made] = [base, []];
    this.#authors = new Map();
    // By now more may be known of whose they are.
    for (const change of changes) this.#put({ ...change, ids: seen.get(change.hash) ?? unseen });
  }

  /** Whose changes of a provision there are; null: nobody knows, or several delegations'; undefined: there are none. */
  author(id: string): string | null | undefined {
    const authors = this.#authors.get(id);
    return authors?.several === true ? null : authors?.one;
  }

  /** How a provision came to be as it is, one delegation after the other. */
  layers(id: string): Layer[] {
    const authors = this.#authors.get(id);
    if (authors === undefined) return [];
    if (!authors.several) return [{ author: authors.one, heads: null }];
    const layers: Layer[] = [];
    const heads = new Set(this.#base);
    let author: string | null | undefined;
    for (const change of this.#made) {
      if (change.ids.includes(id) && change.author !== author) {
        if (author !== undefined) layers.push({ author, heads: [...heads] });
        author = change.author;
      }
      for (const dep of change.deps) heads.delete(dep);
      heads.add(change.hash);
    }
    layers.push({ author: author ?? null, heads: null });
    return layers.length > TURNS ? [{ author: null, heads: null }] : layers;
  }

  #put(change: Made & { ids: string[] }): void {
    this.#made.push(change);
    for (const id of change.ids) {
      const before = this.#authors.get(id);
      if (before === undefined) this.#authors.set(id, { one: change.author, several: false });
      else if (before.one !== change.author) before.several = true;
    }
  }
}
