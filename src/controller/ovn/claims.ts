/**
 * Which plans may be carried out of one read. Pure.
 *
 * A plan leaves alone what it found in order; it cannot know what another plan of the same read is
 * about to do. Two pods, of which one gets the address that the other gives up, are an example:
 * both see the address in their group's set, and in the end it would be gone. So each plan names
 * what it relies on. Some things can be shared: pods of one switch do not disturb each other, but
 * the switch itself is planned with none of them.
 */

/** What a plan relies on, by name, and whether other plans of the same transaction may rely on it, too. */
export type Claims = ReadonlyMap<string, 'alone' | 'shared'>;

/** Makes the names: whoever relies on the same thing uses the same one. */
export const claimed = {
  switch: (name: string) => `switch ${name}`,
  router: (name: string) => `router ${name}`,
  group: (name: string) => `group ${name}`,
  address: (group: string, address: string) => `address ${address} in ${group}`,
};

/**
 * Adds claims to those that are taken, unless they are in each other's way.
 * @returns whether they could be added
 */
export function take(taken: Map<string, 'alone' | 'shared'>, claims: Claims): boolean {
  const isFree = ([what, how]: [string, 'alone' | 'shared']) => {
    const before = taken.get(what);
    return before === undefined || (before === 'shared' && how === 'shared');
  };
  if (![...claims].every(isFree)) return false;
  for (const [what, how] of claims) taken.set(what, how);
  return true;
}
