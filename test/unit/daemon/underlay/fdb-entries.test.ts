import { describe, expect, it } from 'vitest';
import { projectVlan } from '../../../../src/common/vlan.ts';
import { projectSubnet } from '../../../../src/daemon/model/subnet.ts';
import {
  compareFdb,
  type ProviderBridge,
  readFdb,
  wantedFdb,
} from '../../../../src/daemon/underlay/fdb-entries.ts';

const MAC = '00:00:00:aa:bb:cc';
const PORT = 'patch-localnet.wired-to-br-int';
const bridge: ProviderBridge = {
  name: 'br-physnet',
  networks: new Set(['physnet']),
  card: 1,
  patchPorts: new Map([[PORT, 4]]),
};
const vlans = new Map(
  [
    { name: 'vlan100', id: 100, provider: 'physnet' },
    { name: 'elsewhere', id: 100, provider: 'other' },
  ].map(({ name, ...spec }) => [name, projectVlan({ metadata: { name }, spec })]),
);

function wanted(spec: object, status: object = { u2oInterconnectionMAC: MAC }, name = 'wired') {
  const subnet = projectSubnet({ metadata: { name }, spec, status });
  return wantedFdb(bridge, [subnet], (vlan) => vlans.get(vlan));
}

describe("static entries of a provider bridge's MAC table", () => {
  it("have the MAC of OVN's router on a Subnet with u2o interconnection, on the Subnet's patch port", () => {
    const spec = { vlan: 'vlan100', u2oInterconnection: true };
    expect(wanted(spec)).toEqual([{ port: PORT, vlan: 100, mac: MAC }]);
  });

  it.each([
    ['u2oInterconnection is off', { vlan: 'vlan100' }],
    [
      'OVN routes for it anyway',
      { vlan: 'vlan100', u2oInterconnection: true, logicalGateway: true },
    ],
    ['its Vlan is on another provider network', { vlan: 'elsewhere', u2oInterconnection: true }],
    ['its Vlan is not there', { vlan: 'nowhere', u2oInterconnection: true }],
  ])('are none where %s', (_why, spec) => {
    expect(wanted(spec)).toEqual([]);
  });

  it('are none before the router has a MAC, or where what is written is none', () => {
    const spec = { vlan: 'vlan100', u2oInterconnection: true };
    expect(wanted(spec, {})).toEqual([]);
    expect(wanted(spec, { u2oInterconnectionMAC: 'x; y' })).toEqual([]);
  });

  it('are none before the patch port works', () => {
    const spec = { vlan: 'vlan100', u2oInterconnection: true };
    expect(wanted(spec, { u2oInterconnectionMAC: MAC }, 'unconnected')).toEqual([]);
  });
});

describe('the MAC table as ovs-vswitchd shows it', () => {
  const shown = [
    ' port  VLAN  MAC                Age',
    'LOCAL     0  02:00:00:00:00:01    3',
    '    1   100  02:00:00:00:00:02   65',
    `    4   100  ${MAC}  static`,
    '    9   100  02:00:00:00:00:03  static',
    'LOCAL   100  02:00:00:00:00:04  static',
    '',
  ].join('\n');

  it('has static entries on patch ports, and no others of ours', () => {
    expect(readFdb(shown, bridge)).toEqual([{ port: PORT, vlan: 100, mac: MAC }]);
  });

  it('is left as it is where it has what is wanted', () => {
    const entry = { port: PORT, vlan: 100, mac: MAC };
    expect(compareFdb([entry], [entry])).toEqual({ missing: [], surplus: [] });
  });

  it('loses what is not wanted, and gets what is missing', () => {
    const old = { port: PORT, vlan: 200, mac: MAC };
    const entry = { port: PORT, vlan: 100, mac: MAC };
    expect(compareFdb([old], [entry])).toEqual({ missing: [entry], surplus: [old] });
  });

  it('does not lose an entry that only moves to another port', () => {
    const old = { port: 'patch-localnet.old-to-br-int', vlan: 100, mac: MAC };
    const entry = { port: PORT, vlan: 100, mac: MAC };
    expect(compareFdb([old], [entry])).toEqual({ missing: [entry], surplus: [] });
  });
});
