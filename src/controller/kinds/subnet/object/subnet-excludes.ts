/**
 * What a Subnet excludes, in the form in which it is written back. Pure.
 */
import type { AddressRange } from '../../../ranges/address-range.ts';
import { numberOf } from '../../../ranges/address-range.ts';
import type { SubnetBlock } from './subnet.ts';

/**
 * The lowest first, IPv4 before IPv6: ranges that overlap become one, and a gateway that is in none
 * becomes one more.
 */
export function withGateways(
  excludes: readonly AddressRange[],
  blocks: readonly SubnetBlock[],
): readonly AddressRange[] {
  return merge([...excludes, ...missingGateways(excludes, blocks)].map(numbered)).map(
    ({ range }) => range,
  );
}

/** The gateways that are in none of the ranges. */
export function missingGateways(
  excludes: readonly AddressRange[],
  blocks: readonly SubnetBlock[],
): readonly AddressRange[] {
  const known = excludes.map(numbered);
  return blocks
    .map(({ gateway }) => ({ first: gateway, last: gateway }))
    .filter((gateway) => !known.some((range) => hasAll(range, numbered(gateway))));
}

/** Sorted as texts, which is how Kube-OVN writes them. */
export function excludeTexts(excludes: readonly AddressRange[]): readonly string[] {
  return excludes.map(rangeText).sort();
}

/** `a`, or `a..b`. */
function rangeText({ first, last }: AddressRange): string {
  return first.text === last.text ? first.text : `${first.text}..${last.text}`;
}

/** A range with its ends as numbers, which are worked out once. */
interface NumberedRange {
  readonly range: AddressRange;
  readonly first: bigint;
  readonly last: bigint;
}

function merge(ranges: readonly NumberedRange[]): readonly NumberedRange[] {
  const sorted = ranges.toSorted(compare);
  const merged: NumberedRange[] = [];
  for (const next of sorted) {
    const before = merged.at(-1);
    if (before === undefined || !meets(before, next)) merged.push(next);
    else if (next.last > before.last) {
      const range = { first: before.range.first, last: next.range.last };
      merged.splice(-1, 1, { range, first: before.first, last: next.last });
    }
  }
  return merged;
}

function hasAll(outer: NumberedRange, inner: NumberedRange): boolean {
  return (
    familyOf(outer) === familyOf(inner) && outer.first <= inner.first && inner.last <= outer.last
  );
}

function numbered(range: AddressRange): NumberedRange {
  return { range, first: numberOf(range.first), last: numberOf(range.last) };
}

function familyOf({ range }: NumberedRange) {
  return range.first.family;
}

function compare(one: NumberedRange, other: NumberedRange): number {
  if (familyOf(one) !== familyOf(other)) return familyOf(one) < familyOf(other) ? -1 : 1;
  if (one.first === other.first) return 0;
  return one.first < other.first ? -1 : 1;
}

/** @param next begins where `before` does, or after that */
function meets(before: NumberedRange, next: NumberedRange): boolean {
  return familyOf(before) === familyOf(next) && next.first <= before.last;
}

/** True where all of `inner` is in `outer`. */
export function includes(outer: AddressRange, inner: AddressRange): boolean {
  return (
    outer.first.family === inner.first.family &&
    numberOf(outer.first) <= numberOf(inner.first) &&
    numberOf(inner.last) <= numberOf(outer.last)
  );
}
