import type { ComponentChildren } from "preact";
import { follow } from "../route";
import { goOut, me } from "../visitor";
import { t } from "../words";
import { LanguageChoice } from "./LanguageChoice";
import { Who } from "./Who";

/** The line above everything: where one is, and as whom. `unsent`: whether words are only here yet. */
export function TopBar({ title, children, unsent }: { title: ComponentChildren; children?: ComponentChildren; unsent?: boolean }) {
  const account = me.value?.account;
  const leave = () => {
    if (!unsent || confirm(t("leaveUnsent"))) void goOut();
  };
  return (
    <header class="bar">
      <a class="home" href="/" onClick={follow} aria-label={t("back")}><img src="/page/icon.svg" alt="" width="24" height="24" /></a>
      <div class="title">{title}</div>
      {children}
      <div class="me">
        {account?.delegation !== undefined && <Who code={account.delegation} />}
        {account !== undefined && <span class="role">{t(`role_${account.role}`)}</span>}
        <LanguageChoice />
        <button class="quiet" onClick={leave}>{t("leave")}</button>
      </div>
    </header>
  );
}
