import { catalogues, language, t } from "../words";

export function LanguageChoice() {
  return (
    <label class="languages">
      <span class="unseen">{t("language")}</span>
      <select value={language.value} onChange={(event) => { language.value = event.currentTarget.value; }}>
        {Object.entries(catalogues).map(([code, { name }]) => <option key={code} value={code} lang={code}>{name}</option>)}
      </select>
    </label>
  );
}
