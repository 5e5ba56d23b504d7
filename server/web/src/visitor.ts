// Who is at the page.
import { computed, signal } from "@preact/signals";
import { type Delegations, get, type Me, Problem, send } from "./api";
import { delegations, SECRETARIAT } from "./delegations";
import { forsake } from "./reserve";
import { told } from "./told";

/** Null: nobody has come in; undefined: not known yet. */
export const me = signal<Me | null | undefined>(undefined);
/** Why nobody could be let in. */
export const refusal = signal<string | null>(null);

/** In whose name this page writes; null: it does not write. */
export const writer = computed(() => {
  const account = me.value?.account;
  if (account?.role === "delegate") return account.delegation ?? null;
  return account?.role === "secretariat" ? SECRETARIAT : null;
});
/** By what name this one's comments go. */
export const speaker = computed(() => me.value?.account.delegation ?? me.value?.account.role ?? "");
export const comments = computed(() => me.value != null && me.value.account.role !== "observer");
export const rules = computed(() => me.value?.account.role === "chair" || me.value?.account.role === "secretariat");

export async function arrive(): Promise<void> {
  try {
    const [who, all] = await Promise.all([get<Me>("/me"), get<Delegations>("/delegations")]);
    delegations.value = all.delegations;
    me.value = who;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) refusal.value = told(error);
    me.value = null;
  }
}

export async function comeIn(token: string): Promise<void> {
  refusal.value = null;
  try {
    await send("POST", "/login", { token: token.trim() });
  } catch (error) {
    refusal.value = told(error);
    return;
  }
  // What another account saw is not this one's to see.
  await forget();
  await arrive();
}

export async function goOut(): Promise<void> {
  await send("POST", "/logout").catch(() => undefined);
  await forget();
  me.value = null;
}

async function forget(): Promise<void> {
  forsake();
  if ("caches" in window) await caches.delete("codraft-api");
}
