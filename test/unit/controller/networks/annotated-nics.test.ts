import { expect, it } from 'vitest';
import { annotatedNics } from '../../../../src/controller/networks/annotated-nics.ts';
import { indexSubnets } from '../../../../src/controller/networks/subnet-index.ts';
import { subnetObject } from '../kinds/object-support.ts';
import { defaultSettings } from '../settings.ts';
import { podOf } from './support.ts';

interface Shape {
  /** Providers by name of a Subnet. */
  readonly subnets?: Readonly<Record<string, string>>;
  /** Subnets that IP objects say. */
  readonly recorded?: Readonly<Record<string, string>>;
  readonly keepsVmAddresses?: boolean;
  readonly metadata?: object;
}

/** What the annotations of `annotations` say, in short. */
function read(annotations: Readonly<Record<string, string>>, shape: Shape = {}) {
  const { subnets = {}, recorded = {}, keepsVmAddresses = true, metadata = {} } = shape;
  const objects = Object.entries(subnets).map(([name, provider]) =>
    subnetObject(name, { cidrBlock: '10.1.0.0/24', provider }),
  );
  const pod = podOf(annotations, { name: 'web-0', namespace: 'shop', metadata });
  return annotatedNics(pod, {
    settings: { ...defaultSettings, keepsVmAddresses },
    subnets: indexSubnets(objects),
    subnetOfPort: (port) => recorded[port],
  }).map(({ addresses, ...nic }) => ({ ...nic, addresses: addresses.map(({ text }) => text) }));
}

const primary = {
  'ovn.kubernetes.io/allocated': 'true',
  'ovn.kubernetes.io/logical_switch': 'front',
  'ovn.kubernetes.io/ip_address': '10.1.0.5,fd00::5',
  'ovn.kubernetes.io/mac_address': '02:00:00:AA:00:05',
};

it('a NIC has what its annotations say', () => {
  expect(read(primary)).toEqual([
    {
      provider: 'ovn',
      port: 'web-0.shop',
      subnet: 'front',
      addresses: ['10.1.0.5', 'fd00::5'],
      mac: '02:00:00:aa:00:05',
    },
  ]);
});

it('each provider is a NIC, also those that the pod does not ask for any more', () => {
  const nics = read({
    ...primary,
    'net.shop.ovn.kubernetes.io/allocated': 'true',
    'net.shop.ovn.kubernetes.io/ip_address': '10.2.0.5',
    'macvlan.default.kubernetes.io/allocated': 'true',
  });
  expect(nics.map(({ provider, port }) => [provider, port])).toEqual([
    ['ovn', 'web-0.shop'],
    ['net.shop.ovn', 'web-0.shop.net.shop.ovn'],
    ['macvlan.default', 'web-0.shop.macvlan.default'],
  ]);
});

it.each(['false', '', 'TRUE'])('one whose allocated is %j was given nothing', (allocated) => {
  expect(read({ ...primary, 'ovn.kubernetes.io/allocated': allocated })).toEqual([]);
});

it("a virtual machine's NIC has the name of the machine where that keeps its addresses", () => {
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'vm' };
  const metadata = { ownerReferences: [owner] };
  expect(read(primary, { metadata })[0]?.port).toBe('vm.shop');
  expect(read(primary, { metadata, keepsVmAddresses: false })[0]?.port).toBe('web-0.shop');
});

it('what is no address is none', () => {
  const [nic] = read({
    ...primary,
    'ovn.kubernetes.io/ip_address': ' 10.1.0.5 ,10.1.0.256,,fd00::5/64',
    'ovn.kubernetes.io/mac_address': 'nonsense',
  });
  expect(nic).toMatchObject({ addresses: ['10.1.0.5'], mac: undefined });
});

it('a NIC of which only the MAC is known has no address', () => {
  const { 'ovn.kubernetes.io/ip_address': _, ...without } = primary;
  expect(read(without)[0]?.addresses).toEqual([]);
});

it('the Subnet is what the annotation says, then the IP object, then the first of the provider', () => {
  const { 'ovn.kubernetes.io/logical_switch': _, ...without } = primary;
  const subnets = { 'a-net': 'ovn', 'b-net': 'ovn' };
  const recorded = { 'web-0.shop': 'b-net' };
  expect(read(primary, { subnets, recorded })[0]?.subnet).toBe('front');
  expect(read(without, { subnets, recorded })[0]?.subnet).toBe('b-net');
  expect(read(without, { subnets })[0]?.subnet).toBe('a-net');
  expect(read(without)[0]?.subnet).toBeUndefined();
});

it.each([
  ['net.shop.ovn.net1', 'net.shop.ovn'],
  ['macvlan.default.net2', 'macvlan.default'],
])('NIC %s of several of one network is on the Subnet of %s', (provider, network) => {
  const annotations = { [`${provider}.kubernetes.io/allocated`]: 'true' };
  const [nic] = read(annotations, { subnets: { other: 'ovn', net: network } });
  expect(nic).toMatchObject({ provider, subnet: 'net', port: `web-0.shop.${provider}` });
});
