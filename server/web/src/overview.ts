// What is shown of a resolution, put together of what was known and what has changed. Pure.
import { type AttributedProvision, type Attribution, type Comment, type Document, type Items, numberOf, type Overview, type Proposal, type Round } from "./api";
import { unchanged } from "./unchanged";

/** All of it, as of one edition. */
export interface Whole {
  edition: string; document: Document; attribution: Attribution; proposals: Proposal[]; rounds: Round[]; comments: Comment[];
}

/** All of it after an answer: what has not changed stays the same object. */
export function after(said: Overview, before: Whole | null): Whole {
  return {
    edition: said.edition,
    document: said.document,
    attribution: {
      heads: said.heads,
      roster: said.since === undefined ? said.roster : { ...before?.attribution.roster, ...said.roster },
      provisions: list(said.provisions, before?.attribution.provisions ?? [], (one: AttributedProvision) => one.provision.id),
    },
    // An id comes again where a delegation proposes anew what was settled.
    proposals: list(said.proposals, before?.proposals ?? [], numberOf),
    rounds: said.rounds,
    comments: list(said.comments, before?.comments ?? [], (one: Comment) => String(one.number)),
  };
}

/** The same as the server would say it to somebody who knows nothing. */
export function whole(known: Whole): Overview {
  const { edition, document, attribution, rounds } = known;
  const all = <T>(items: T[]): Items<T> => ({ whole: true, items });
  return {
    edition, document, heads: attribution.heads, roster: attribution.roster, provisions: all(attribution.provisions),
    proposals: all(known.proposals), rounds, comments: all(known.comments),
  };
}

function list<T>(said: Items<T>, before: T[], name: (one: T) => string): T[] {
  if (said.whole) return unchanged(before, said.items, name);
  if (said.items.length === 0 && said.order === undefined) return before;
  const known = new Map([...before, ...said.items].map((one) => [name(one), one]));
  return (said.order ?? before.map(name)).flatMap((named) => known.get(named) ?? []);
}
