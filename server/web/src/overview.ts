// What is shown of a resolution, put together of what was known and what has changed. Pure.
import { type AttributedProvision, type Attribution, type Comment, type Document, numberOf, type Overview, type Part, type Proposal, type Round } from "./api";
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
  const all = <T>(entries: T[]): Part<T> => ({ whole: true, entries });
  return {
    edition, document, heads: attribution.heads, roster: attribution.roster, provisions: all(attribution.provisions),
    proposals: all(known.proposals), rounds, comments: all(known.comments),
  };
}

function list<T>(part: Part<T>, before: T[], name: (one: T) => string): T[] {
  if (part.whole) return unchanged(before, part.entries, name);
  if (part.entries.length === 0 && part.order === undefined) return before;
  const known = new Map([...before, ...part.entries].map((one) => [name(one), one]));
  return (part.order ?? before.map(name)).flatMap((named) => known.get(named) ?? []);
}
