import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress, parseMac } from '../../../../src/common/address.ts';
import { podNetworks } from '../../../../src/controller/networks/pod-networks.ts';
import type { NicRequest } from '../../../../src/controller/networks/request.ts';
import {
  ATTACHNET_NAD,
  attachnetSubnet,
  DEFAULT_NETWORK,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  ovnDefault,
  podOf,
  viewOf,
} from './support.ts';

const cluster = {
  nads: {
    'default/attachnet': ATTACHNET_NAD,
    'default/macvlan': MACVLAN_NAD,
    'default/empty': '',
    'default/broken': '{"type":',
  },
  subnets: { attachnet: attachnetSubnet, macvlan: macvlanSubnet, 'ovn-default': ovnDefault },
  ipPools: { pool1: { subnet: 'attachnet', ips: ['172.17.0.20..172.17.0.30'] } },
};
const views = [true, false].map((isPrimary) => viewOf({ ...cluster, settings: { isPrimary } }));

const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'a\nb', '../..', '::ffff:10.0.0.1', '10.0.0.1/16'),
);
const address = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('172.17.0.50', '172.17.0.51/16', '10.16.0.9') },
  { weight: 1, arbitrary: fc.constantFrom('fd00::5', 'FD00::0:5', '172.17.0.1', '::') },
  { weight: 1, arbitrary: hostile },
);
const mac = fc.oneof(fc.constantFrom('00:00:00:53:6B:BB', 'ff:ff:ff:ff:ff:ff', ''), hostile);
const ifName = fc.oneof(fc.constantFrom('net1', 'net2', 'ovn', 'Eth0', ''), hostile);
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('attachnet', 'macvlan', 'default/macvlan', 'empty') },
  { weight: 1, arbitrary: fc.oneof(fc.constantFrom('broken', 'none', 'a/b/c'), hostile) },
);
const element = fc.record(
  {
    name,
    namespace: fc.constantFrom('default', '', 'other'),
    interface: ifName,
    ips: fc.array(address, { maxLength: 2 }),
    mac,
    'default-route': fc.array(address, { maxLength: 1 }),
  },
  { requiredKeys: ['name'] },
);
const networks = fc.oneof(
  { weight: 3, arbitrary: fc.array(element, { maxLength: 3 }).map((list) => JSON.stringify(list)) },
  { weight: 2, arbitrary: fc.array(name, { maxLength: 3 }).map((names) => names.join()) },
  { weight: 1, arbitrary: fc.oneof(fc.json(), hostile) },
);
const provider = fc.constantFrom(
  ...['ovn', 'attachnet.default.ovn', 'attachnet.default.ovn.net1', 'macvlan.default'],
  ...['attachnet.default', 'macvlan.default.net1'],
);
const request = fc.oneof(
  fc.tuple(fc.constantFrom('ip_address', 'ip_address.net1', 'ip_pool', 'cidr'), address),
  fc.tuple(fc.constantFrom('mac_address', 'mac_address.net1'), mac),
  fc.tuple(fc.constant('ip_pool'), fc.constantFrom('pool1', '172.17.0.5,172.17.0.6', 'a;b')),
  fc.tuple(fc.constant('ip_family'), fc.oneof(fc.constantFrom('ipv4', 'ipv6'), hostile)),
  fc.tuple(fc.constant('logical_switch'), fc.constantFrom('attachnet', 'macvlan', 'none')),
  fc.tuple(fc.constantFrom('allocated', 'routed', 'vip'), fc.constantFrom('true', 'false', '')),
  fc.tuple(fc.constantFrom('ingress_rate', 'egress_burst'), fc.oneof(fc.constant('5'), hostile)),
);
const annotations = fc
  .record({
    selected: fc.dictionary(fc.constantFrom(NETWORKS, DEFAULT_NETWORK), networks, { maxKeys: 2 }),
    requests: fc.array(fc.tuple(provider, request), { maxLength: 4 }),
  })
  .map(({ selected, requests }) => ({
    ...selected,
    ...Object.fromEntries(
      requests.map(([prefix, [key, value]]) => [`${prefix}.kubernetes.io/${key}`, value]),
    ),
  }));

/** Everything of a NIC that goes on into names, keys and requests. */
function expectChecked({ provider, port, mac, attempts, ifName }: NicRequest): void {
  expect(`${provider}.kubernetes.io`).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
  expect(port).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
  expect(port.length).toBeLessThanOrEqual(253);
  if (ifName !== undefined) expect(ifName).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.@+~-]{0,14}$/);
  if (mac.kind === 'fixed') expect(parseMac(mac.mac)).toBe(mac.mac);
  for (const { subnet, addresses } of attempts) {
    expect(Object.keys(cluster.subnets)).toContain(subnet.name);
    if (addresses.kind === 'dynamic') continue;
    for (const entry of addresses.entries) {
      expect(new Set(entry.map(({ family }) => family)).size).toBe(entry.length);
      for (const one of entry) expect(parseAddress(one.text)).toEqual(one);
    }
  }
}

describe('whatever annotations say', () => {
  it('a pod has checked NICs with keys of their own, or problems with an event', () => {
    let right = 0;
    fc.assert(
      fc.property(annotations, (annotations) => {
        for (const view of views) {
          const found = podNetworks(podOf(annotations), view);
          for (const { message } of found.events) {
            // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
            expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
          }
          if ('problems' in found) {
            expect(found.events.length).toBeGreaterThan(0);
            continue;
          }
          right += found.nics.length;
          for (const nic of found.nics) expectChecked(nic);
          const ports = found.nics.map(({ port }) => port);
          expect(new Set(ports).size).toBe(ports.length);
        }
      }),
      { numRuns: 3000 },
    );
    expect(right).toBeGreaterThan(500);
  });
});
