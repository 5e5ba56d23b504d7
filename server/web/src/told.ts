// What to tell where something could not be done.
import { Problem } from "./api";
import { t } from "./words";

/** The server's words; where it was not reached, `offline`. */
export const told = (error: unknown, offline = t("offlineTitle")): string =>
  error instanceof Problem && !error.unreachable ? error.detail : offline;
