import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logicalSwitchPort } from '../../../../src/common/names.ts';
import {
  containerAlias,
  hostInterfaceNames,
} from '../../../../src/daemon/model/interface-names.ts';
import { isContainerId, isInterfaceName } from '../../../../src/wire/cni.ts';
import { CONTAINER_ID } from '../support.ts';

const NAME_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789_.-';
const ifName = fc
  .string({ unit: fc.constantFrom(...NAME_CHARACTERS), minLength: 1, maxLength: 15 })
  .filter(isInterfaceName);
const containerId = fc
  .string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 1, maxLength: 64 })
  .filter(isContainerId);

describe('a logical switch port', () => {
  const of = (changes: object) =>
    logicalSwitchPort({ workload: 'web-0', namespace: 'shop', provider: 'ovn', ...changes });

  it.each([
    [{}, 'web-0.shop'],
    [{ provider: 'attachnet.default.ovn' }, 'web-0.shop.attachnet.default.ovn'],
    [
      { provider: 'attachnet.default.ovn', ifName: 'net1' },
      'web-0.shop.attachnet.default.ovn.net1',
    ],
    [{ ifName: undefined }, 'web-0.shop'],
    [{ ifName: 'net1' }, 'web-0.shop.net1'],
    [{ provider: 'macvlan.default' }, 'web-0.shop.macvlan.default'],
    [{ workload: 'vm-1' }, 'vm-1.shop'],
  ])('of %j is %s', (changes, port) => {
    expect(of(changes)).toBe(port);
  });
});

describe('the host end of a veth pair', () => {
  it.each([
    ['eth0', 'c0ffee012345_h'],
    ['net1', 'c0ffee01_net1_h'],
    ['a', 'c0ffee01234_a_h'],
    ['12345678', 'c0ff_12345678_h'],
    ['eth0.1234', 'c0f_eth0.1234_h'],
    ['podnic1234', 'c0_podnic1234_h'],
    ['bond0.12345', 'c_bond0.12345_h'],
    // KubeVirt: 14 characters that begin with "pod".
    ['pod16477688c0e', 'c0ffe_1647768_h'],
    ['pod37a8eec1ce1', 'c0ffe_37a8eec_h'],
    // Not KubeVirt's: 13 characters.
    ['pod1234567', 'c0_pod1234567_h'],
  ])("of %s is Kube-OVN's %s", (name, host) => {
    expect(hostInterfaceNames(CONTAINER_ID, name)[0]).toBe(host);
  });

  it.each(['123456789012x', 'pod1234567890', 'tap01234567890', 'pod123456789012', 'x'.repeat(15)])(
    'of %s, which is too long for that rule, is a hash',
    (name) => {
      expect(hostInterfaceNames(CONTAINER_ID, name)).toEqual([
        expect.stringMatching(/^[a-z2-8]{13}_h$/),
      ]);
    },
  );

  it('of a short container id is short', () => {
    expect(hostInterfaceNames('c1', 'eth0')[0]).toBe('c1_h');
    expect(hostInterfaceNames('c1', 'net1')[0]).toBe('c1_net1_h');
  });

  it('is never a name that ip(8) takes for an index', () => {
    const ids = Array.from({ length: 10_000 }, (_, number) => `${CONTAINER_ID}${number}`);
    for (const id of [...ids, 'if7', 'if77c0ffee', 'if']) {
      for (const name of hostInterfaceNames(id, 'net1')) expect(name).not.toMatch(/^if/);
    }
  });

  it('has at least one name, all of which the kernel takes and no two are equal', async () => {
    await fc.assert(
      fc.property(containerId, ifName, (id, name) => {
        const names = hostInterfaceNames(id, name);
        expect(names.length).toBeGreaterThan(0);
        expect(new Set(names).size).toBe(names.length);
        for (const each of names) {
          expect(Buffer.byteLength(each)).toBeLessThanOrEqual(15);
          expect(isInterfaceName(each)).toBe(true);
          expect(each.endsWith('_h')).toBe(true);
        }
      }),
    );
  });

  it('has a last name that no other attachment has', async () => {
    const attachments = fc.uniqueArray(fc.tuple(containerId, ifName), {
      minLength: 2,
      maxLength: 50,
      selector: ([id, name]) => `${id}/${name}`,
    });
    await fc.assert(
      fc.property(attachments, (all) => {
        const hashed = all.map(([id, name]) => hostInterfaceNames(id, name).at(-1));
        expect(new Set(hashed).size).toBe(all.length);
      }),
    );
  });

  it('has a last name that depends on every character of the container id', () => {
    const ids = Array.from({ length: 64 }, (_, at) =>
      CONTAINER_ID.slice(0, at).concat('x', CONTAINER_ID.slice(at + 1)),
    );
    const names = ids.map((id) => hostInterfaceNames(id, 'eth0').at(-1));
    expect(new Set(names).size).toBe(64);
  });
});

describe('the alias of the end in the pod', () => {
  it.each([
    ['c0ffee012345_h', 'c0ffee012345_c'],
    ['c0ffee01_net1_h', 'c0ffee01_net1_c'],
    ['c0ff_h_h', 'c0ff_h_c'],
  ])('of %s is %s', (host, alias) => {
    expect(containerAlias(host)).toBe(alias);
  });
});
