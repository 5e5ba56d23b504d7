// How delegations are told apart: colours and lines, given out in order. Pure; the stylesheet draws them.

/** As many as the stylesheet has. */
export const TONES = 8;
export const LINES = 4;

/** The classes of the n-th delegation's look. A colour comes back with another line: 32 are different. */
export function lookOf(place: number): string {
  const turn = Math.floor(place / TONES);
  return `tone-${place % TONES} line-${(place + turn) % LINES}`;
}
