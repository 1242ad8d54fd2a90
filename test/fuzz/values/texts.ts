/** Arbitrary texts: right ones, right ones with a spoiled place, and hostile ones. */
import * as fc from 'fast-check';
import { isContainerId, isLinkName } from '../oracles/types.ts';
import { HOSTILE_ADDRESSES, HOSTILE_TEXTS, LONG_TEXTS } from './dictionary.ts';

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  { weight: 10, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 10, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.constantFrom(...LONG_TEXTS) },
);

const piece = fc.constantFrom(...HOSTILE_TEXTS.filter((text) => text.length < 20));

/** A text of which some characters are cut out, and a piece of the dictionary put in. */
export function spoiled(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({ at: fc.nat(64), cut: fc.nat(3), put: piece });
  return fc.tuple(text, edit).map(([whole, { at, cut, put }]) => {
    const start = at % (whole.length + 1);
    return whole.slice(0, start) + put + whole.slice(start + cut);
  });
}

/** Mostly `text`; else spoiled, or something else altogether. */
export function almost(text: fc.Arbitrary<string>, rightWeight = 6): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: rightWeight, arbitrary: text },
    { weight: 2, arbitrary: spoiled(text) },
    { weight: 1, arbitrary: hostileText },
  );
}

export const ipv4 = fc
  .tuple(fc.constantFrom('10.16', '10.99', '172.17'), fc.nat(3), fc.integer({ min: 1, max: 9 }))
  .map(([start, third, fourth]) => `${start}.${third}.${fourth}`);

export const ipv6 = fc
  .tuple(fc.constantFrom('fd00:10:16::', 'fd00::'), fc.integer({ min: 1, max: 255 }))
  .map(([start, last]) => start + last.toString(16));

export const address = fc.oneof(
  { weight: 3, arbitrary: ipv4 },
  { weight: 2, arbitrary: ipv6 },
  { weight: 1, arbitrary: fc.ipV4() },
  { weight: 1, arbitrary: fc.ipV6() },
  { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_ADDRESSES) },
);

export const cidr = fc.oneof(
  fc.tuple(ipv4, fc.nat(33)).map(([ip, length]) => `${ip}/${length}`),
  fc.tuple(ipv6, fc.nat(130)).map(([ip, length]) => `${ip}/${length}`),
  fc.tuple(address, fc.nat(140)).map(([ip, length]) => `${ip}/${length}`),
  fc.constantFrom('10.16.0.0/16', 'fd00:10:16::/64', '0.0.0.0/0', '::/0'),
);

export const mac = fc.constantFrom('00:00:00:53:6b:b6', '0A:58:0A:10:00:05');

/** Names of `characters` that `isRight`; nearly all are. */
function name(characters: string, maxLength: number, isRight: (text: string) => boolean) {
  const unit = fc.constantFrom(...characters);
  return fc.string({ unit, minLength: 1, maxLength }).filter(isRight);
}

export const interfaceName = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('eth0', 'net1', 'pod16477688c0e', 'eth0.100', 'a') },
  { weight: 1, arbitrary: name('aZ09_.@+~-', 15, isLinkName) },
);

export const containerId = fc.oneof(
  { weight: 6, arbitrary: fc.constant('c0ffee0123456789abcdef0123456789abcdef') },
  // A name that begins so means a link's index to ip(8).
  { weight: 1, arbitrary: fc.constant('if1c0ffee') },
  { weight: 1, arbitrary: name('aZ09_.-', 70, isContainerId) },
);

export const PROVIDERS = ['ovn', 'attachnet.default.ovn', 'macvlan.default'];
export const provider = fc.constantFrom(...PROVIDERS);
export const netns = fc.constantFrom('/run/netns/cni-5f1c', '/proc/4711/ns/net', '/var/run/a');
export const podName = fc.constantFrom('web-0', 'a', 'web-0.example', 'vm-1');
export const uid = fc.constantFrom('', 'uid-1', 'b9c1a7e2-0d7b-4f40-9a55-2b8e0c5d3f10');
export const namespace = fc.constantFrom('shop', 'default');
