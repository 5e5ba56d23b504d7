// The interface's language: a catalogue, the direction of writing, numbers.
import { computed, effect, signal } from "@preact/signals";
import { type Catalogue, type Counted, en, type Word } from "./words/en";
import { fr } from "./words/fr";
import { ar } from "./words/ar";

export const catalogues: Record<string, { name: string; words: Catalogue; rtl?: boolean }> = {
  en: { name: "English", words: en },
  fr: { name: "Français", words: fr },
  ar: { name: "العربية", words: ar, rtl: true },
};

const remembered = (() => {
  try {
    return localStorage.getItem("codraft-language");
  } catch {
    return null;
  }
})();
const asked = [remembered ?? "", ...navigator.languages.map((one) => one.slice(0, 2))];
export const language = signal(asked.find((one) => one in catalogues) ?? "en");
const words = computed(() => catalogues[language.value]?.words ?? en);
const plural = computed(() => new Intl.PluralRules(language.value));

effect(() => {
  document.documentElement.lang = language.value;
  document.documentElement.dir = catalogues[language.value]?.rtl ? "rtl" : "ltr";
  try {
    localStorage.setItem("codraft-language", language.value);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
});

type Values = Record<string, string | number>;

/** The words of this name, with values for what stands in braces. */
export function t(word: Word, values: Values = {}): string {
  return words.value[word].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** The words for a number of things: `name_one` or `name_other`, as the language counts. */
export function count(name: Counted, n: number): string {
  return t(plural.value.select(n) === "one" ? `${name}_one` : `${name}_other`, { n });
}

export function list(items: string[]): string {
  return new Intl.ListFormat(language.value).format(items);
}

export function when(time: string): string {
  return new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}
