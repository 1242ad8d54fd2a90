import { describe, expect, it } from 'vitest';
import { nicMtu, tunnelMtu } from '../../../src/daemon/mtu.ts';
import { projectNode } from '../../../src/daemon/objects/node.ts';
import { projectSubnet } from '../../../src/daemon/objects/subnet.ts';
import { CniCode } from '../../../src/wire/cni.ts';
import { expectReadable, failureOf, HOSTILE_TEXTS } from './support.ts';

describe('the MTU of the tunnels', () => {
  it.each([
    ['geneve', false, 1400],
    ['vxlan', false, 1450],
    ['stt', false, 1428],
    ['geneve', true, 1380],
    ['vxlan', true, 1430],
    ['stt', true, 1408],
  ] as const)('over a device of 1500 bytes with %s, IPv6 %s, is %i', (type, isIpv6, mtu) => {
    expect(tunnelMtu(1500, type, isIpv6)).toBe(mtu);
  });
});

const LABEL = 'net1.provider-network.kubernetes.io/mtu';

/** The MTU of a NIC where the tunnels have 1400, by the Subnet's spec and the node's label. */
function mtuOf(options: { spec?: object; providerNetwork?: string; label?: string }): number {
  const { spec, providerNetwork = '', label } = options;
  return nicMtu({
    subnet: spec && projectSubnet({ metadata: { name: 'subnet' }, spec }),
    providerNetwork,
    node: projectNode({ metadata: { labels: label === undefined ? {} : { [LABEL]: label } } }),
    tunnelMtu: 1400,
  });
}

describe('the MTU of a NIC', () => {
  it.each([
    ['overlay', {}, '', 1300],
    ['underlay', { vlan: 'vlan1' }, 'net1', 1300],
    ['underlay with a logical gateway', { vlan: 'vlan1', logicalGateway: true }, 'net1', 1300],
  ])("is the Subnet's before all: %s", (_, spec, providerNetwork, mtu) => {
    expect(mtuOf({ spec: { ...spec, mtu: 1300 }, providerNetwork, label: '9000' })).toBe(mtu);
  });

  it.each([undefined, {}, { mtu: 0 }])("is the tunnels' on an overlay Subnet %j", (spec) => {
    expect(mtuOf({ ...(spec && { spec }), label: '9000' })).toBe(1400);
  });

  it("is the provider network's on an underlay Subnet", () => {
    expect(mtuOf({ spec: { vlan: 'vlan1' }, providerNetwork: 'net1', label: '9000' })).toBe(9000);
  });

  it('is left to the kernel where the node does not say the one of its provider network', () => {
    expect(mtuOf({ spec: { vlan: 'vlan1' }, providerNetwork: 'net1' })).toBe(0);
    expect(mtuOf({ spec: { vlan: 'vlan1' }, providerNetwork: 'net2', label: '9000' })).toBe(0);
  });

  it.each([{ logicalGateway: true }, { u2oInterconnection: true }])(
    "is the tunnels' where OVN routes an underlay Subnet: %j",
    (spec) => {
      const options = { spec: { vlan: 'vlan1', ...spec }, providerNetwork: 'net1', label: '9000' };
      expect(mtuOf(options)).toBe(1400);
    },
  );

  it('is left to the kernel on an underlay Subnet while the node is not known', () => {
    const subnet = projectSubnet({ metadata: { name: 'subnet' }, spec: { vlan: 'vlan1' } });
    const options = { subnet, providerNetwork: 'net1', node: undefined, tunnelMtu: 1400 };
    expect(nicMtu(options)).toBe(0);
  });

  it('is never a label that is not a number', () => {
    for (const label of ['0', '01500', '-1', '1e3', '1500.0', '0x5dc', 'jumbo', ...HOSTILE_TEXTS]) {
      const error = failureOf(() =>
        mtuOf({ spec: { vlan: 'vlan1' }, providerNetwork: 'net1', label }),
      );
      expect(error.code).toBe(CniCode.invalidConfig);
      expect(error.message.startsWith(`node label ${LABEL} is wrong: `)).toBe(true);
      expectReadable(error);
    }
  });
});
