// The server's HTTP API as the page uses it (docs/api.md).
import { asked, reserve } from "./reserve";

const ROOT = "/api/v1";

export type Role = "secretariat" | "chair" | "delegate" | "observer";
export interface Account { id: string; role: Role; delegation?: string; created: string; revoked: boolean }
export interface Me { account: Account; name?: string }
export interface Baseline { revision: number; heads: string[] }
export interface Document {
  id: string; symbol: string; title: string; created: string; baseline: Baseline;
  heads: string[]; changes: number; provisions: number; connections: number;
}
export interface Delegation { code: string; name: string; created: string }
export interface Delegations { delegations: Delegation[]; accounts: Account[] }
export interface Place { id: string; part: string; heading: string; enumerator: string }
export interface AttributedRun {
  text: string; inserted_by: string; also_by?: string[]; struck_by: string[]; baseline: boolean; comments?: number[];
}
export interface AttributedProvision {
  provision: Place; kind: string; level: number; inserted_by: string; baseline: boolean; shown: boolean;
  suppressed_by: string[]; runs: AttributedRun[];
}
export interface Attribution { heads: string[]; roster: Record<string, string>; provisions: AttributedProvision[] }
export type Mark = "ADD" | "MOD" | "SUP";
export interface Segment { kind: "kept" | "inserted" | "struck"; field: "enumerator" | "text"; text: string; by: string[]; of?: string }
export interface Proposal {
  id: string; document: string; provision: Place; mark: Mark; sponsors: string[]; segments: Segment[];
  collides_with: string[]; amends: string[]; status: Status; created: string; changes: string[]; also?: string[];
  number?: string; round?: number; late?: boolean; editorial?: boolean; gone?: boolean; provisional?: string;
  reasons?: Reason[]; history?: Happening[];
}
/** Whether nothing final was decided about a proposal. */
export const isOpen = (one: Proposal): boolean => ["tabled", "late", "bracketed", "deferred"].includes(one.status);
/** What a proposal is called in requests. */
export const numberOf = (one: Proposal): string => one.number ?? one.id;
export type Status = "draft" | "tabled" | "late" | "agreed" | "rejected" | "bracketed" | "deferred" | "withdrawn";
export interface Reason { by: string; at: string; text: string }
export interface Happening { at: string; by: string; what: string; reason?: string }
export interface Round {
  number: number; state: "open" | "closed" | "concluded"; baseline: number; opened: string; deadline?: string; closed?: string;
  concluded?: string; result?: number;
}
/** A list, or what has changed in it; `order` names all of it where that is not as it was. */
export interface Items<T> { whole: boolean; items: T[]; order?: string[] }
/** What is shown of a document; with `since`, what of that has changed since that edition. */
export interface Overview {
  edition: string; since?: string; document: Document; heads: string[]; roster: Record<string, string>; provisions: Items<AttributedProvision>;
  proposals: Items<Proposal>; rounds: Round[]; comments: Items<Comment>;
}
export type Decision = "adopt" | "reject" | "bracket" | "defer";
export interface Alternative { proposals: string[]; sponsors: string[]; text: string }
export interface Collision { provision: Place; proposals: string[]; alternatives: Alternative[]; bracketed: string }
export interface Preview { adopted: string[]; text: string; collisions: Collision[] }
/** `key`: what it was sent with, by which its sender knows it again. */
export interface Said { by: string; at: string; text: string; key?: string }
export interface Comment extends Said {
  number: number; entry: number; provision: Place; gone?: boolean; words?: { text: string; stands: boolean; struck_by: string[] }[];
  replies?: Said[]; resolved?: { by: string; at: string };
}
/** On a whole provision; or on words of it, named by their first and last element, or as the n-th of such words `within` its text as it stood. */
export interface NewComment { provision: string; text: string; from?: string; to?: string; words?: string; occurrence?: number; within?: string }
export interface Revision { number: number; at: string; round?: number; sha256: string; bytes: number }
/** What the projector shows. */
export interface Screen { provision?: string; names: boolean }
export interface Invitation { account: Account; token: string }
export interface Quarantined {
  number: number; at: string; sender: string; delegation?: string; code: string; reason: string; bytes: string; size: number;
}
/** One entry of a resolution's ledger (docs/rounds.md): as much of it as is shown. */
export interface LedgerEntry {
  entry: number; at: string; by: { account: string; role?: Role; delegation?: string }; act: string; round?: number; deadline?: string; number?: string;
  rulings?: { number: string; decision: Decision; reason?: string }[]; comment?: number; text?: string; numbered?: { number: string }[];
}
/** Who came in, was refused, took something out. */
export interface AccessEntry { number: number; at: string; kind: string; account?: string; claimed?: string; address: string; detail: string; left_out: number }
export interface Imported { document: Document; warnings: { line: number; run: string; candidates: { struck: string; inserted: string }[] }[] }

/** What the server, or the way to it, says is wrong. */
export class Problem extends Error {
  constructor(readonly status: number, readonly title: string, readonly detail: string) {
    super(detail);
  }
  /** The server was not reached. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

/** The body of the answer. A server that is gone while it answers was not reached, either. */
async function ask(method: string, path: string, body?: unknown): Promise<string> {
  let answer: Response, text: string;
  try {
    answer = await fetch(`${ROOT}${path}`, {
      method,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    text = await answer.text();
  } catch {
    throw new Problem(0, "unreachable", "unreachable");
  }
  if (answer.ok) return text;
  const said = problemIn(text);
  throw new Problem(answer.status, said.title ?? answer.statusText, said.detail ?? answer.statusText);
}

/** What a refusal says; nothing where it is not one of the server's own, but of what stands before it. */
function problemIn(text: string): { title?: string; detail?: string } {
  try {
    return JSON.parse(text) as { title?: string; detail?: string };
  } catch {
    return {};
  }
}

export async function get<T>(path: string): Promise<T> {
  asked(`${ROOT}${path}`);
  return JSON.parse(await ask("GET", path)) as T;
}

/** What is shown of a document: what has changed since an edition, or all of it. */
export async function overviewOf(id: string, since: string | null): Promise<Overview> {
  return JSON.parse(await ask("GET", `/documents/${id}/overview${since === null ? "" : `?since=${since}`}`)) as Overview;
}

/** Keeps it, to be shown where the server is not reached. */
export const keepOverview = (id: string, overview: () => Overview): void => reserve(`${ROOT}/documents/${id}/overview`, () => JSON.stringify(overview()));

/** A text, as it is. */
export const read = (path: string): Promise<string> => ask("GET", path);

export async function send<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
  const text = await ask(method, path, body ?? (method === "DELETE" ? undefined : {}));
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
