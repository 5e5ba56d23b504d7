// What has not changed stays the same object, so that only what has changed is drawn anew. Pure.

/** The new list, with the old object for each thing that says what it said before; the old list where all do. */
export function unchanged<T>(before: T[], now: T[], name: (one: T) => string): T[] {
  const known = new Map(before.map((one) => [name(one), one]));
  return sameList(before, now.map((one) => {
    const old = known.get(name(one));
    return old !== undefined && JSON.stringify(old) === JSON.stringify(one) ? old : one;
  }));
}

/** Things by the provision that they are about; a list with the same things in it is the same list. */
export function grouped<T extends { provision: { id: string } }>(all: T[], before: Map<string, T[]>): Map<string, T[]> {
  const map = new Map<string, T[]>();
  for (const one of all) {
    const list = map.get(one.provision.id);
    if (list === undefined) map.set(one.provision.id, [one]);
    else list.push(one);
  }
  for (const [id, list] of map) map.set(id, sameList(before.get(id) ?? [], list));
  return map;
}

function sameList<T>(before: T[], now: T[]): T[] {
  return now.length === before.length && now.every((one, at) => one === before[at]) ? before : now;
}
