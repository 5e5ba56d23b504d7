import { t } from "../words";

/** What stands below everything. */
export function Foot() {
  return <footer class="foot"><a href="/licences">{t("licences")}</a></footer>;
}
