// style-mod for CodeMirror, but with a constructed sheet in place of <style>, which the page's policy forbids.
import { StyleModule } from "../../node_modules/style-mod/src/style-mod.js";

const sheet = new CSSStyleSheet();
const modules: StyleModule[] = [];
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

StyleModule.mount = (_root: Document | ShadowRoot | DocumentOrShadowRoot, more: StyleModule | readonly StyleModule[]) => {
  const list = Array.isArray(more) ? (more as readonly StyleModule[]) : [more as StyleModule];
  const fresh = list.filter((one) => !modules.includes(one));
  if (fresh.length === 0) return;
  // The first given have the highest precedence, and come last.
  modules.unshift(...fresh);
  sheet.replaceSync(modules.map((one) => one.getRules()).join("\n"));
};

export { StyleModule };
