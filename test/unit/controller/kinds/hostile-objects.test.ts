import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, parseAddress, parseCidr } from '../../../../src/common/address.ts';
import { projectIp } from '../../../../src/controller/kinds/ip/object/ip.ts';
import { projectIpPool } from '../../../../src/controller/kinds/ippool/object/ippool.ts';
import { projectNad } from '../../../../src/controller/kinds/nad/object/nad.ts';
import { projectNamespace } from '../../../../src/controller/kinds/namespace/object/namespace.ts';
import { projectNode } from '../../../../src/controller/kinds/node/object/node.ts';
import { projectPod } from '../../../../src/controller/kinds/pod/object/pod.ts';
import { projectProviderNetwork } from '../../../../src/controller/kinds/provider-network/object/provider-network.ts';
import { projectSecurityGroup } from '../../../../src/controller/kinds/security-group/object/security-group.ts';
import { projectStatefulSet } from '../../../../src/controller/kinds/stateful-set/object/stateful-set.ts';
import { projectSubnet } from '../../../../src/controller/kinds/subnet/object/project-subnet.ts';
import { projectVlan } from '../../../../src/controller/kinds/vlan/object/vlan.ts';
import { projectVpc } from '../../../../src/controller/kinds/vpc/object/vpc.ts';
import { settings } from './object-support.ts';

const text = fc.oneof(
  fc.string(),
  fc.constantFrom('10.16.0.0/16', '10.16.0.1', 'fd00::/64', 'FD00::1', 'ovn', 'a.b.ovn', 'IPv4'),
  fc.constantFrom('10.16.0.1..10.16.0.9', '10.0.0.0/8,fd00::/8', '0.0.0.0/0', '::/0', 'ipv4'),
);
const names = [
  ...['cidrBlock', 'cidr', 'gateway', 'excludeIps', 'provider', 'vpc', 'vlan', 'protocol', 'mtu'],
  ...['private', 'allowSubnets', 'acls', 'natOutgoing', 'externalEgressGateway', 'vips'],
  ...['u2oInterconnection', 'u2oInterconnectionIP', 'u2oFeatures', 'namespaces', 'subnet', 'ips'],
  ...['ingressRules', 'tier', 'staticRoutes', 'policyRoutes', 'vpcPeerings', 'id', 'config'],
  ...['podName', 'v4IpAddress', 'annotations', 'labels', 'ownerReferences', 'addresses'],
  ...['conditions', 'v4availableIPs', 'template', 'namespaceSelectors', 'finalizers', '__proto__'],
];
const field = fc.constantFrom(...names);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(field, tie('any'), { maxKeys: 4 }),
  ),
})).any;
const part = fc.oneof(fc.dictionary(field, value, { maxKeys: 8 }), value);
const object = fc.record({ metadata: part, spec: part, status: part });

const projections = {
  projectIp,
  projectIpPool,
  projectNad,
  projectNamespace,
  projectNode,
  projectPod,
  projectSecurityGroup,
  projectStatefulSet,
  projectVlan: (raw: unknown) => projectVlan(raw, settings),
  projectProviderNetwork,
  projectSubnet: (raw: unknown) => projectSubnet(raw, settings),
  projectVpc: (raw: unknown) => projectVpc(raw, settings.defaultVpc),
};

describe('whatever an object holds', () => {
  it.each(Object.entries(projections))('%s reads it', (_, project) => {
    fc.assert(
      fc.property(fc.oneof(object, value), (raw) => {
        expect(project(raw)).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  it('a Subnet with which nothing is wrong has only addresses that it can have', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), text);
    const cidr = fc.tuple(address, fc.nat(130)).map(([ip, length]) => `${ip}/${length}`);
    const spec = fc.record(
      {
        cidrBlock: fc.oneof(
          cidr,
          fc.tuple(cidr, cidr).map((both) => both.join()),
          text,
        ),
        gateway: fc.oneof(address, fc.constant('')),
        excludeIps: fc.array(
          fc.oneof(
            address,
            fc.tuple(address, address).map((ends) => ends.join('..')),
          ),
          { maxLength: 3 },
        ),
        vlan: fc.constantFrom('', 'vlan1'),
        provider: fc.constantFrom('ovn', 'a.b', 'a.b.ovn'),
      },
      { requiredKeys: [] },
    );
    let right = 0;
    fc.assert(
      fc.property(spec, (spec) => {
        const { checked, defaults } = projectSubnet({ metadata: { name: 'net' }, spec }, settings);
        if (!('value' in checked)) return;
        right += 1;
        for (const { family, cidr, gateway } of checked.value.blocks) {
          expect(parseCidr(`${cidr.network}/${cidr.prefixLength}`)).toEqual(cidr);
          expect(cidr.prefixLength).toBeLessThan(bits(family));
          expect(parseCidr(`${gateway.text}/${cidr.prefixLength}`)).toEqual(cidr);
        }
        for (const { first, last } of checked.value.excludes) {
          expect(parseAddress(first.text)).toEqual(first);
          expect(parseAddress(last.text)).toEqual(last);
        }
        // What is written back is right, says the same, and needs no further patch.
        const written = { ...spec, ...(defaults as { spec?: object } | undefined)?.spec };
        const again = projectSubnet({ metadata: { name: 'net' }, spec: written }, settings);
        expect(again.checked).toEqual(checked);
        expect(again.defaults).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
    expect(right).toBeGreaterThan(50);
  });
});
