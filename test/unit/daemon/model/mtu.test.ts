import { describe, expect, it } from 'vitest';
import { ownMtu, refuseSmallMtu, tunnelMtu } from '../../../../src/daemon/model/mtu.ts';
import { projectNode } from '../../../../src/daemon/model/node.ts';
import { projectSubnet } from '../../../../src/daemon/model/subnet.ts';
import { CniCode } from '../../../../src/wire/cni.ts';
import { expectReadable, failureOf, HOSTILE_TEXTS } from '../support.ts';

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
const UNDERLAY = { vlan: 'vlan1' };

/** The MTU of a NIC by its Subnet's spec and the node's label; undefined: the tunnels'. */
function mtuOf(options: {
  spec?: object;
  providerNetwork?: string;
  label?: string;
}): number | undefined {
  const { spec, providerNetwork = '', label } = options;
  return ownMtu({
    subnet: spec && projectSubnet({ metadata: { name: 'subnet' }, spec }),
    providerNetwork,
    node: projectNode({ metadata: { labels: label === undefined ? {} : { [LABEL]: label } } }),
  });
}

describe('the MTU of a NIC', () => {
  it.each([
    ['overlay', {}, ''],
    ['underlay', UNDERLAY, 'net1'],
    ['underlay with a logical gateway', { ...UNDERLAY, logicalGateway: true }, 'net1'],
  ])("is the Subnet's before all: %s", (_, spec, providerNetwork) => {
    expect(mtuOf({ spec: { ...spec, mtu: 1300 }, providerNetwork, label: '9000' })).toBe(1300);
  });

  it.each([undefined, {}, { mtu: 0 }, { mtu: undefined }])(
    "is the tunnels' on an overlay Subnet %j",
    (spec) => {
      expect(mtuOf({ ...(spec && { spec }), label: '9000' })).toBeUndefined();
    },
  );

  it("is the provider network's on an underlay Subnet", () => {
    expect(mtuOf({ spec: UNDERLAY, providerNetwork: 'net1', label: '9000' })).toBe(9000);
  });

  it("is the tunnels' where the node does not say the one of its provider network", () => {
    expect(mtuOf({ spec: UNDERLAY, providerNetwork: 'net1' })).toBeUndefined();
    expect(mtuOf({ spec: UNDERLAY, providerNetwork: 'net2', label: '9000' })).toBeUndefined();
    const subnet = projectSubnet({ metadata: { name: 'subnet' }, spec: UNDERLAY });
    const unknown = ownMtu({ subnet, providerNetwork: 'net1', node: undefined });
    expect(unknown).toBeUndefined();
  });

  it.each([{ logicalGateway: true }, { u2oInterconnection: true }])(
    "is the tunnels' where OVN routes an underlay Subnet: %j",
    (spec) => {
      const options = { spec: { ...UNDERLAY, ...spec }, providerNetwork: 'net1', label: '9000' };
      expect(mtuOf(options)).toBeUndefined();
    },
  );

  it.each([68, 1280, 65_535])('may be %i', (mtu) => {
    expect(mtuOf({ spec: { mtu } })).toBe(mtu);
    const label = `${mtu}`;
    expect(mtuOf({ spec: UNDERLAY, providerNetwork: 'net1', label })).toBe(mtu);
  });

  it.each([-1, 67, 65_536, 1500.5, 1e21])('is never %d of a Subnet, which is named', (mtu) => {
    const error = failureOf(() => mtuOf({ spec: { mtu } }));
    expect(error.code).toBe(CniCode.invalidConfig);
    expect(error.message).toBe(`spec.mtu of Subnet subnet is wrong: ${JSON.stringify(mtu)}`);
  });

  it('is never a label that is not a number of bytes', () => {
    const wrong = ['0', '67', '65536', '-1', '1e3', '1500.0', '0x5dc', ' 1500', 'jumbo'];
    for (const label of [...wrong, ...HOSTILE_TEXTS]) {
      const error = failureOf(() => mtuOf({ spec: UNDERLAY, providerNetwork: 'net1', label }));
      expect(error.code).toBe(CniCode.invalidConfig);
      expect(error.message.startsWith(`node label ${LABEL} is wrong: `)).toBe(true);
      expectReadable(error);
    }
  });
});

describe('an MTU that is small', () => {
  it.each([
    [1280, ['IPv6']],
    [68, ['IPv4']],
    [68, []],
    [1279, ['IPv4']],
  ] as const)('of %i bytes is enough for %j', (mtu, families) => {
    expect(() => refuseSmallMtu(mtu, families)).not.toThrow();
  });

  it.each([[['IPv6']], [['IPv4', 'IPv6']]] as const)('is refused for %j below 1280', (families) => {
    const error = failureOf(() => refuseSmallMtu(1279, families));
    expect([error.code, error.message]).toEqual([7, 'the MTU is wrong: 1279']);
    expect(error.details).toContain('1280');
  });
});
