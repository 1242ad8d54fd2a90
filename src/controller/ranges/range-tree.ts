/**
 * A balanced tree of ranges of numbers, in order, that neither overlap nor touch. Trees are never
 * changed: every function answers with a new one that shares most of the old. That is what makes it
 * cheap to work out an allocation and to forget it again.
 *
 * The tree is balanced by weight, with the parameters that Hirai and Yamamoto prove to be sound
 * ("Balancing weight-balanced trees", 2011). Everything is built on `link`, which puts together
 * trees of any size ("Just Join for Parallel Ordered Sets", 2016).
 */

/** All numbers from `first` to `last`, both included. */
export interface NumberRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** A tree with at least one range. */
export interface RangeNode {
  readonly left: RangeTree;
  readonly range: NumberRange;
  readonly right: RangeTree;
  /** Ranges in this tree. */
  readonly ranges: number;
  /** Numbers in this tree. */
  readonly size: bigint;
}

/** A tree; undefined is the empty one. */
export type RangeTree = RangeNode | undefined;

/** No tree is more than this many times as heavy as its sibling. */
const WEIGHT_RATIO_MAX = 3;
/** From this ratio of the inner to the outer grandchild on, a single rotation does not help. */
const DOUBLE_ROTATION_RATIO = 2;

/** All of `left`, then `range`, then all of `right`, which must be in this order. */
export function link(left: RangeTree, range: NumberRange, right: RangeTree): RangeNode {
  if (isTooHeavy(left, right)) {
    return rotated(left.left, left.range, link(left.right, range, right));
  }
  if (isTooHeavy(right, left)) {
    return rotated(link(left, range, right.left), right.range, right.right);
  }
  return node(left, range, right);
}

/** All of `left`, then all of `right`, which must be in this order. */
export function concat(left: RangeTree, right: RangeTree): RangeTree {
  if (left === undefined || right === undefined) return left ?? right;
  const [first, rest] = withoutFirst(right);
  return link(left, first, rest);
}

/** The numbers below `at`, and those from it on; a range that has both is cut in two. */
export function split(tree: RangeTree, at: bigint): readonly [below: RangeTree, from: RangeTree] {
  if (tree === undefined) return [undefined, undefined];
  const { left, range, right } = tree;
  if (at <= range.first) {
    const [below, from] = split(left, at);
    return [below, link(from, range, right)];
  }
  if (at > range.last) {
    const [below, from] = split(right, at);
    return [link(left, range, below), from];
  }
  return [
    link(left, { first: range.first, last: at - 1n }, undefined),
    link(undefined, { first: at, last: range.last }, right),
  ];
}

/** What of `tree` is not in `other`; O(k log n), where k is the number of ranges of `other`. */
export function difference(tree: RangeTree, other: RangeTree): RangeTree {
  if (tree === undefined || other === undefined) return tree;
  const [below] = split(tree, other.range.first);
  const [, above] = split(tree, other.range.last + 1n);
  return concat(difference(below, other.left), difference(above, other.right));
}

/** The lowest range that has `at` or numbers above it. */
export function rangeFrom(tree: RangeTree, at: bigint): NumberRange | undefined {
  let found: NumberRange | undefined;
  let rest = tree;
  while (rest !== undefined) {
    if (rest.range.last < at) {
      rest = rest.right;
    } else {
      found = rest.range;
      rest = rest.left;
    }
  }
  return found;
}

/** All ranges, the lowest first. */
export function* inOrder(tree: RangeTree): Generator<NumberRange, void, undefined> {
  if (tree === undefined) return;
  yield* inOrder(tree.left);
  yield tree.range;
  yield* inOrder(tree.right);
}

function withoutFirst({ left, range, right }: RangeNode): readonly [NumberRange, RangeTree] {
  if (left === undefined) return [range, right];
  const [first, rest] = withoutFirst(left);
  return [first, link(rest, range, right)];
}

/** A node whose trees are in balance, or were before one of them got a little heavier. */
function rotated(left: RangeTree, range: NumberRange, right: RangeTree): RangeNode {
  if (isTooHeavy(right, left)) {
    const inner = right.left;
    return inner === undefined || isLight(inner, right.right)
      ? node(node(left, range, inner), right.range, right.right)
      : node(
          node(left, range, inner.left),
          inner.range,
          node(inner.right, right.range, right.right),
        );
  }
  if (isTooHeavy(left, right)) {
    const inner = left.right;
    return inner === undefined || isLight(inner, left.left)
      ? node(left.left, left.range, node(inner, range, right))
      : node(node(left.left, left.range, inner.left), inner.range, node(inner.right, range, right));
  }
  return node(left, range, right);
}

function node(left: RangeTree, range: NumberRange, right: RangeTree): RangeNode {
  return {
    left,
    range,
    right,
    ranges: (left?.ranges ?? 0) + 1 + (right?.ranges ?? 0),
    size: (left?.size ?? 0n) + (range.last - range.first + 1n) + (right?.size ?? 0n),
  };
}

function weight(tree: RangeTree): number {
  return (tree?.ranges ?? 0) + 1;
}

function isTooHeavy(tree: RangeTree, sibling: RangeTree): tree is RangeNode {
  return weight(tree) > WEIGHT_RATIO_MAX * weight(sibling);
}

function isLight(inner: RangeTree, outer: RangeTree): boolean {
  return weight(inner) < DOUBLE_ROTATION_RATIO * weight(outer);
}
