import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Subnet } from '../../../../src/daemon/objects/subnet.ts';
import { projectSubnet, subnetOfProvider } from '../../../../src/daemon/objects/subnet.ts';

const subnet = (name: string, spec?: object, status?: object): Subnet =>
  projectSubnet({ metadata: { name }, spec, status });

describe('a Subnet', () => {
  it('is kept with what the daemon uses', () => {
    const spec = {
      provider: 'attachnet.default.ovn',
      mtu: 1300,
      disableGatewayCheck: true,
      nodeNetwork: 'storage',
      cidrBlock: '10.1.0.0/16',
    };
    expect(subnet('attachnet', spec)).toEqual({
      name: 'attachnet',
      provider: 'attachnet.default.ovn',
      mtu: 1300,
      underlay: false,
      u2oInterconnection: false,
      u2oGateways: [],
      disableGatewayCheck: true,
      nodeNetwork: 'storage',
    });
  });

  it('may be without spec and status', () => {
    const bare = { provider: '', underlay: false, disableGatewayCheck: false, nodeNetwork: '' };
    expect(subnet('bare')).toMatchObject(bare);
  });

  it.each([
    [{ vlan: 'vlan1' }, true],
    [{ vlan: '' }, false],
    [{ vlan: 'vlan1', logicalGateway: false }, true],
    [{ vlan: 'vlan1', logicalGateway: true }, false],
    [{ vlan: 'vlan1', u2oInterconnection: true }, true],
  ])('%j is an underlay one without a gateway in OVN: %s', (spec, underlay) => {
    expect(subnet('s', spec).underlay).toBe(underlay);
  });

  it.each([
    [true, '10.1.0.9', ['10.1.0.9']],
    [true, '10.1.0.9,fd00::9', ['10.1.0.9', 'fd00::9']],
    [true, '', []],
    [true, undefined, []],
    [false, '10.1.0.9', []],
    [undefined, '10.1.0.9', []],
  ])(
    'with u2oInterconnection %j and address %j has the gateways %j',
    (u2oInterconnection, u2oInterconnectionIP, gateways) => {
      const spec = { vlan: 'vlan1', u2oInterconnection };
      expect(subnet('s', spec, { u2oInterconnectionIP }).u2oGateways).toEqual(gateways);
    },
  );
});

describe('the Subnet of a provider', () => {
  const all = [
    subnet('b', { provider: 'net.default.ovn' }),
    subnet('a', { provider: 'net.default.ovn' }),
    subnet('0', { provider: 'net.default.ovn.net1' }),
    subnet('ovn-default', { provider: 'ovn' }),
    subnet('none'),
  ];

  it('is the one that has it, the first by name', () => {
    expect(subnetOfProvider(all, 'net.default.ovn')?.name).toBe('a');
  });

  it('is none where no Subnet has exactly that provider', () => {
    expect(subnetOfProvider(all, 'net.default')).toBeUndefined();
    expect(subnetOfProvider(all, 'default.ovn')).toBeUndefined();
    expect(subnetOfProvider([], 'net.default.ovn')).toBeUndefined();
  });

  it('is not told by the provider ovn, which all of the primary network have', () => {
    expect(subnetOfProvider(all, 'ovn')).toBeUndefined();
  });

  it('does not depend on the order in which the Subnets come', async () => {
    const shuffled = fc.shuffledSubarray(all, { minLength: all.length });
    await fc.assert(
      fc.property(shuffled, (some) => {
        expect(subnetOfProvider(some, 'net.default.ovn')?.name).toBe('a');
      }),
    );
  });
});
