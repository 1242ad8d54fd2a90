import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Subnet } from '../../../../src/daemon/model/subnet.ts';
import { projectSubnet, subnetOfProvider } from '../../../../src/daemon/model/subnet.ts';

const subnet = (name: string, spec?: object, status?: object): Subnet =>
  projectSubnet({ metadata: { name }, spec, status });

describe('a Subnet', () => {
  it('is kept with what the daemon uses', () => {
    const spec = {
      provider: 'attachnet.default.ovn',
      mtu: 1300,
      disableGatewayCheck: true,
      nodeNetwork: 'storage',
      cidrBlock: '10.1.0.0/16, fd00:A:0::/64,x',
      gateway: '10.1.0.1,fd00:A::1',
    };
    expect(subnet('attachnet', spec)).toEqual({
      name: 'attachnet',
      provider: 'attachnet.default.ovn',
      cidrs: [
        { family: 'IPv4', network: '10.1.0.0', prefixLength: 16 },
        { family: 'IPv6', network: 'fd00:a::', prefixLength: 64 },
      ],
      gateways: [
        { family: 'IPv4', text: '10.1.0.1' },
        { family: 'IPv6', text: 'fd00:a::1' },
      ],
      mtu: 1300,
      underlay: false,
      u2oInterconnection: false,
      u2oGateways: [],
      vlan: '',
      givesServiceAddresses: false,
      disableGatewayCheck: true,
      nodeNetwork: 'storage',
      exhausted: false,
      terminating: false,
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

describe('the addresses that a Subnet has left', () => {
  const v4 = '10.1.0.0/16';
  const v6 = 'fd00::/64';
  it.each([
    ['IPv4', v4, { v4availableIPs: 0, v6availableIPs: 0 }, true],
    ['IPv4', v4, { v4availableIPs: 1, v6availableIPs: 0 }, false],
    ['IPv4', v4, { v4availableIPs: '0', v6availableIPs: '0' }, true],
    ['IPv4', v4, { v4availableIPs: '12', v6availableIPs: '0' }, false],
    ['IPv6', v6, { v4availableIPs: 0, v6availableIPs: 0 }, true],
    ['IPv6', v6, { v4availableIPs: 0, v6availableIPs: 18446744073709551613n.toString() }, false],
    ['IPv6', v6, { v4availableIPs: 0, v6availableIPs: 1.8446744073709552e19 }, false],
    ['Dual', `${v4},${v6}`, { v4availableIPs: 0, v6availableIPs: 5 }, true],
    ['Dual', `${v4},${v6}`, { v4availableIPs: 5, v6availableIPs: '0' }, true],
    ['Dual', `${v4},${v6}`, { v4availableIPs: 5, v6availableIPs: 5 }, false],
    ['no', '', { v4availableIPs: 0, v6availableIPs: 0 }, false],
    ['no', undefined, { v4availableIPs: 0, v6availableIPs: 0 }, false],
    ['uncounted', v4, {}, false],
    ['uncounted', v4, undefined, false],
    ['uncounted', v4, { v4availableIPs: null }, false],
    ['uncounted', v4, { v4availableIPs: '' }, false],
  ])('of %s addresses in %j with status %j are all gone: %s', (_what, cidrBlock, status, gone) => {
    expect(subnet('s', { cidrBlock }, status).exhausted).toBe(gone);
  });
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

  it('is one that is being deleted only where there is no other', () => {
    const ending = projectSubnet({
      metadata: { name: 'A', deletionTimestamp: '2026-01-01T00:00:00Z' },
      spec: { provider: 'net.default.ovn' },
    });
    expect(subnetOfProvider([ending, ...all], 'net.default.ovn')?.name).toBe('a');
    expect(subnetOfProvider([...all, ending], 'net.default.ovn')?.name).toBe('a');
    expect(subnetOfProvider([ending], 'net.default.ovn')?.terminating).toBe(true);
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
