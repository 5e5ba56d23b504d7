import { follow } from "../route";
import { t } from "../words";

/** An address that leads nowhere. */
export function Nowhere() {
  return (
    <main class="narrow">
      <h1>{t("unknownPage")}</h1>
      <p><a href="/" onClick={follow}>{t("back")}</a></p>
    </main>
  );
}
