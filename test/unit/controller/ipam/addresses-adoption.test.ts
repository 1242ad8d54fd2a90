import { describe, expect, it } from 'vitest';
import { NETWORKS_ANNOTATION } from '../../../../src/controller/kinds/pod/object/pod.ts';
import { kubeOvn, machineInstance } from '../support.ts';
import { frontSubnet, ipOf, nadOf, podWith, setUpAddresses } from './addresses-support.ts';

const RESERVED = { 'ovn.kubernetes.io/ip_reserved': 'true' };

describe('before anything is allocated', () => {
  it('addresses are known that pods have, and those that IP objects say', async () => {
    await using all = await setUpAddresses([
      frontSubnet(),
      podWith('a', '10.1.0.2'),
      ipOf('gone', '10.1.0.3'),
    ]);
    expect(all.allocate('b')).toBe('10.1.0.4');
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.owners('10.1.0.3')).toEqual(['shop/gone']);
  });

  it('addresses are known whose Subnet only the provider tells', async () => {
    const annotations = {
      [NETWORKS_ANNOTATION]: 'net',
      'net.shop.ovn.kubernetes.io/allocated': 'true',
      'net.shop.ovn.kubernetes.io/ip_address': '10.1.0.2',
    };
    await using all = await setUpAddresses([
      nadOf('net'),
      frontSubnet({ provider: 'net.shop.ovn' }),
      podWith('a', '', { annotations }),
    ]);
    expect(all.allocate('b')).toBe('10.1.0.3');
  });

  describe('a pod that runs holds nothing by saying that it was given a NIC', () => {
    const claim = (provider: string, address: string) => ({
      [`${provider}.kubernetes.io/allocated`]: 'true',
      [`${provider}.kubernetes.io/logical_switch`]: 'front',
      [`${provider}.kubernetes.io/ip_address`]: address,
    });
    const hoard = Object.assign({}, ...[2, 3, 4, 5].map((n) => claim(`x${n}.y`, `10.1.0.${n}`)));
    const asking = (networks: string, provider: string) => ({
      ...claim(provider, '10.1.0.2'),
      [NETWORKS_ANNOTATION]: networks,
    });

    it.each<[string, Record<string, string>]>([
      ['of no network that it asks for', hoard],
      ['of a network that there is not', asking('none', 'none.shop.ovn')],
      ['of another namespace’s network', asking('other/net', 'net.shop.ovn')],
      ['of another interface than it asks for', asking('net@a,net@b', 'net.shop.ovn.c')],
      ['of a network of another kind', asking('net', 'net.shop')],
      ['of what only looks like networks', asking('net,/,', 'net.shop.ovn')],
      [
        'of the primary network, where another one takes its place',
        { ...claim('ovn', '10.1.0.2'), 'v1.multus-cni.io/default-network': 'net' },
      ],
    ])('%s', async (_, annotations) => {
      const pod = podWith('a', '', { annotations });
      await using all = await setUpAddresses([nadOf('net'), frontSubnet(), pod]);
      expect(all.allocate('b')).toBe('10.1.0.2');
    });

    it('but holds that of one that it asks for, beside others that are not there', async () => {
      const annotations = asking('none,net@a,net@b', 'net.shop.ovn.b');
      const pod = podWith('a', '', { annotations });
      await using all = await setUpAddresses([nadOf('net'), frontSubnet(), pod]);
      expect(all.allocate('b')).toBe('10.1.0.3');
    });

    it('and holds what an IP object says it has, whatever it asks for now', async () => {
      const pod = podWith('a', '', { annotations: hoard });
      await using all = await setUpAddresses([frontSubnet(), pod, ipOf('a', '10.1.0.2')]);
      expect(all.allocate('b')).toBe('10.1.0.3');
    });

    it('nor another one on a second Subnet, while an IP object says what the NIC has', async () => {
      const pod = podWith('a', '10.1.0.2');
      const { spec, ...ip } = ipOf('a', '10.2.0.2');
      const elsewhere = { ...ip, spec: { ...(spec as object), subnet: 'gone' } };
      await using all = await setUpAddresses([frontSubnet(), pod, elsewhere]);
      expect(all.allocate('b')).toBe('10.1.0.2');
    });
  });

  it.each([
    ['has completed', { phase: 'Succeeded' }],
    ['is on the network of its node', { spec: { hostNetwork: true } }],
    ['is of another Subnet', { annotations: { 'ovn.kubernetes.io/logical_switch': 'back' } }],
  ])('nothing is kept for a pod that %s', async (_, shape) => {
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2', shape)]);
    expect(all.owners('10.1.0.2')).toEqual([]);
    expect(all.allocate('b')).toBe('10.1.0.2');
  });

  it.each([
    ['the Subnet does not have', '10.9.0.9'],
    ['is the gateway’s', '10.1.0.1'],
    ['is excluded', '10.1.0.6'],
  ])('an address that %s stays with who an IP object says has it', async (_, address) => {
    const objects = [podWith('a', address), ipOf('a', address)];
    await using all = await setUpAddresses([frontSubnet({ excludeIps: ['10.1.0.6'] }), ...objects]);
    expect(all.allocate('b')).toBe('10.1.0.2');
    expect(all.owners(address)).toEqual(['shop/a']);
  });

  it.each([
    ['the Subnet does not have', '10.9.0.9'],
    ['is the gateway’s', '10.1.0.1'],
    ['is excluded', '10.1.0.6'],
  ])(
    'an address that %s is nobody’s where only a pod says so, and that is told',
    async (_, address) => {
      const objects = [podWith('a', address)];
      await using all = await setUpAddresses([
        frontSubnet({ excludeIps: ['10.1.0.6'] }),
        ...objects,
      ]);
      expect(all.allocate('b')).toBe('10.1.0.2');
      expect(all.owners(address)).toEqual([]);
      expect(all.log.lines).toMatchObject([
        { level: 'error', fields: { nic: 'a.shop', pod: 'shop/a' } },
      ]);
    },
  );

  it('a pod whose annotations were edited has what its IP object says', async () => {
    const objects = [podWith('a', '10.1.0.5'), ipOf('a', '10.1.0.2')];
    await using all = await setUpAddresses([frontSubnet(), ...objects]);
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.owners('10.1.0.5')).toEqual([]);
  });

  it('a pod whose IP object was edited has what it was given, as both have noted it', async () => {
    const noted = { uid: 'a', addresses: '10.1.0.2', mac: '' };
    const { metadata, ...rest } = ipOf('a', '10.1.0.5');
    const annotations = { 'ovn.kubernetes.io/allocation': JSON.stringify(noted) };
    const edited = { ...rest, metadata: { ...metadata, annotations } };
    await using all = await setUpAddresses([frontSubnet(), podWith('a', '10.1.0.2'), edited]);
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
    expect(all.owners('10.1.0.5')).toEqual([]);
  });

  it('a NIC has nothing that only a pod of another namespace says, whose name makes the same port', async () => {
    const name = 'web.shop.net.prod.x.y';
    const victim = kubeOvn(
      'IP',
      name,
      { podName: 'web.shop.net', namespace: 'prod', subnet: 'front', v4IpAddress: '10.1.0.2' },
      { finalizers: ['kubeovn.io/kube-ovn-controller'] },
    );
    const key = 'net.prod.x.y.kubernetes.io';
    const annotations = {
      [`${key}/allocated`]: 'true',
      [`${key}/logical_switch`]: 'front',
      [`${key}/ip_address`]: '10.1.0.2',
      [`${key}/mac_address`]: '00:00:00:99:99:99',
    };
    await using all = await setUpAddresses([
      frontSubnet(),
      victim,
      podWith('web', '', { annotations }),
    ]);
    expect(all.owners('10.1.0.2')).toEqual(['prod/web.shop.net']);
    expect(all.addresses.allocator.allocationOf(name)?.mac).toBeUndefined();
  });

  it('nothing is held for annotations of a pod that is not its machine’s', async () => {
    const forged = podWith('thief', '10.1.0.2', { virtualMachine: 'vm' });
    await using all = await setUpAddresses([frontSubnet(), forged]);
    expect(all.allocate('b')).toBe('10.1.0.2');
  });
});

describe('of several who say that they have an address', () => {
  // Names are such that the other order would be that of the lists.
  const running = (name: string) => podWith(name, '10.1.0.2');
  const waiting = (name: string) => podWith(name, '10.1.0.2', { phase: 'Pending' });
  const recorded = (name: string) => [waiting(name), ipOf(name, '10.1.0.2')];

  it.each([
    [
      'a pod whose IP object says so, too, before one that runs',
      [running('a'), ...recorded('b')],
      'b',
    ],
    [
      'a pod whose IP object says so, too, before an IP object without pod',
      [...recorded('b'), ipOf('a', '10.1.0.2')],
      'b',
    ],
    ['an IP object before a pod that runs', [running('a'), ipOf('b', '10.1.0.2')], 'b'],
    ['a pod that runs before one that does not', [waiting('a'), running('b')], 'b'],
    ['an IP object before a pod that does not run', [waiting('a'), ipOf('b', '10.1.0.2')], 'b'],
    [
      'a pod that runs before one whose IP object says something else',
      [waiting('a'), ipOf('a', '10.1.0.3'), running('b')],
      'b',
    ],
  ])('it is with %s', async (_, objects, owner) => {
    await using all = await setUpAddresses([frontSubnet(), ...objects]);
    expect(all.owners('10.1.0.2')).toEqual([`shop/${owner}`]);
  });

  it('the others are told of by name', async () => {
    await using all = await setUpAddresses([frontSubnet(), running('a'), running('b')]);
    all.addresses.refresh();
    expect(all.log.lines).toMatchObject([
      {
        level: 'error',
        fields: { nic: 'b.shop', pod: 'shop/b' },
        message: expect.stringMatching(/^addresses in use: AddressConflict: .*NIC a\.shop/),
      },
    ]);
  });

  describe("where a virtual machine's pods have addresses of their own", () => {
    const machine = { virtualMachine: 'vm' };
    const pods = [podWith('a', '10.1.0.2', machine), podWith('b', '10.1.0.2', machine)];

    it('both have it while it migrates', async () => {
      await using all = await setUpAddresses([frontSubnet(), machineInstance('vm'), ...pods], {
        keepsVmAddresses: false,
      });
      expect(all.owners('10.1.0.2').toSorted()).toEqual(['shop/a', 'shop/b']);
      expect(all.errors()).toEqual([]);
    });

    it.each([
      ['there is no such machine', []],
      ['it is of another UID', [machineInstance('vm', { uid: 'new' })]],
      ['it is of another namespace', [machineInstance('vm', { namespace: 'other' })]],
      [
        'one of the two is not a pod of it',
        [{ ...machineInstance('vm'), status: { activePods: { 'uid-of-a': 'node-1' } } }],
      ],
    ])('only one has it where %s', async (_, instances) => {
      await using all = await setUpAddresses([frontSubnet(), ...instances, ...pods], {
        keepsVmAddresses: false,
      });
      expect(all.owners('10.1.0.2')).toHaveLength(1);
      expect(all.errors()).toEqual([expect.stringContaining('AddressConflict')]);
    });
  });
});

describe('what a user has reserved', () => {
  it('stays when the pod that has it goes', async () => {
    const objects = [podWith('a', '10.1.0.2'), ipOf('a', '10.1.0.2', RESERVED)];
    await using all = await setUpAddresses([frontSubnet(), ...objects]);
    const { allocator } = all.addresses;
    expect(allocator.allocationOf('a.shop')).toMatchObject({ reserved: true });
    allocator.release({ nic: 'a.shop', pod: 'shop/a' });
    expect(all.owners('10.1.0.2')).toEqual(['shop/a']);
  });

  it('is not all that an IP object keeps', async () => {
    const objects = [podWith('a', '10.1.0.2'), ipOf('a', '10.1.0.2')];
    await using all = await setUpAddresses([frontSubnet(), ...objects]);
    all.addresses.allocator.release({ nic: 'a.shop', pod: 'shop/a' });
    expect(all.owners('10.1.0.2')).toEqual([]);
  });
});
