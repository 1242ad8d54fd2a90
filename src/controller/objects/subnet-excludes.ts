/**
 * What a Subnet excludes, in the form in which it is written back. Pure.
 */
import type { AddressRange } from '../allocator/address-range.ts';
import { numberOf } from '../allocator/address-range.ts';
import type { SubnetBlock } from './subnet.ts';

/**
 * The lowest first, IPv4 before IPv6: ranges that overlap become one, and a gateway that is in none
 * becomes one more.
 */
export function withGateways(
  excludes: readonly AddressRange[],
  blocks: readonly SubnetBlock[],
): readonly AddressRange[] {
  const merged = merge(excludes);
  const missing = blocks
    .map(({ gateway }) => ({ first: gateway, last: gateway }))
    .filter((gateway) => !merged.some((range) => includes(range, gateway)));
  return merge([...merged, ...missing]);
}

/** Sorted as texts, which is how Kube-OVN writes them: so neither rewrites what the other wrote. */
export function excludeTexts(excludes: readonly AddressRange[]): readonly string[] {
  return excludes.map(rangeText).sort();
}

/** `a`, or `a..b`. */
function rangeText({ first, last }: AddressRange): string {
  return first.text === last.text ? first.text : `${first.text}..${last.text}`;
}

function merge(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const sorted = ranges.toSorted(compare);
  const merged: AddressRange[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || !meets(before, range)) merged.push(range);
    else if (!includes(before, range)) merged.splice(-1, 1, { ...before, last: range.last });
  }
  return merged;
}

function compare(one: AddressRange, other: AddressRange): number {
  if (one.first.family !== other.first.family)
    return one.first.family < other.first.family ? -1 : 1;
  const difference = numberOf(one.first) - numberOf(other.first);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** @param range begins where `before` does, or after that */
function meets(before: AddressRange, range: AddressRange): boolean {
  return (
    before.first.family === range.first.family && numberOf(range.first) <= numberOf(before.last)
  );
}

/** True where all of `inner` is in `outer`. */
export function includes(outer: AddressRange, inner: AddressRange): boolean {
  return (
    outer.first.family === inner.first.family &&
    numberOf(outer.first) <= numberOf(inner.first) &&
    numberOf(inner.last) <= numberOf(outer.last)
  );
}
