// What proposals say.

/** The words of a proposal that were inserted into its text. */
export function inserted(proposal) {
  const segments = proposal.segments.filter((s) => s.kind === "inserted" && s.field === "text");
  return segments.map((s) => s.text).join("");
}
