/**
 * Lists whose order means nothing. Pure.
 */

/** True where two lists have the same members, each of them in whatever order. */
export function hasSameMembers(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false;
  const members = new Set(one);
  return members.size === new Set(other).size && other.every((member) => members.has(member));
}
