import { describe, expect, it } from 'vitest';
import { parseInterfacePatterns } from '../../../../src/daemon/node/interface-patterns.ts';

const NAMES = ['lo', 'eth0', 'eth1', 'bond0', 'bond0.100', 'ens192', 'br-eth1'];
const matches = (text: string) => parseInterfacePatterns('--iface', text).matches(NAMES);

describe('interfaces that a text means', () => {
  it.each([
    ['eth1', ['eth1']],
    ['bond0', ['bond0']],
    ['eth0,eth1', ['eth0', 'eth1', 'br-eth1']],
    ['bond.*', ['bond0', 'bond0.100']],
    ['^bond\\d+$,^eth', ['eth0', 'eth1', 'bond0']],
    ['ens192,eth.*', ['eth0', 'eth1', 'ens192', 'br-eth1']],
    [' ens , ^lo$ ', ['lo', 'ens192']],
    ['(?i)ETH0', ['eth0']],
    ['nosuch', []],
  ])('%s: an exact name alone, or each expression anywhere in a name', (text, expected) => {
    expect(matches(text)).toEqual(expected);
  });

  it.each(['', 'eth0,', ',', 'eth0,,eth1', '(', '[a', '*', 'a{5000}', '(?=a)', '\\1'])(
    '%j is refused with what is wrong in it',
    (text) => {
      expect(() => matches(text)).toThrow(/^--iface: expected the name of an interface/);
    },
  );

  it.each(['(a+)+$', '((a+)+)+b', '(a|aa)+$', '(.*)*x', '(a?){100}a{100}'])(
    '%s takes no longer for names that nearly match',
    (text) => {
      const { matches: match } = parseInterfacePatterns('--iface', text);
      const names = Array.from({ length: 2000 }, (_, index) => `aaaaaaaaaa${index}`.slice(-15));
      const startedAt = performance.now();
      match(names);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    },
  );
});
