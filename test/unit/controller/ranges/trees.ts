/**
 * What tests of balanced trees need: how far one is out of balance, and an order that is random and
 * always the same.
 */
import type { RangeTree } from '../../../../src/controller/ranges/range-tree.ts';

/** The most that a tree in this one is heavier than its sibling, as a ratio. */
export function imbalanceOf(tree: RangeTree): number {
  if (tree === undefined) return 1;
  const [light = 1, heavy = 1] = [tree.left, tree.right]
    .map((each) => (each?.ranges ?? 0) + 1)
    .sort((a, b) => a - b);
  return Math.max(heavy / light, imbalanceOf(tree.left), imbalanceOf(tree.right));
}

/** In an order that depends on nothing but how many there are. */
export function shuffled<T>(items: readonly T[]): T[] {
  const random = randomNumbers();
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Numbers from 0 to 2^32 - 1, always the same ones (Numerical Recipes' generator). */
export function randomNumbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
}
