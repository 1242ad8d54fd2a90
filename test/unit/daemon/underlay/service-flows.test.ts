import { describe, expect, it } from 'vitest';
import { projectVlan } from '../../../../src/common/vlan.ts';
import { projectService } from '../../../../src/daemon/model/service.ts';
import { projectSubnet } from '../../../../src/daemon/model/subnet.ts';
import type { ProviderBridge } from '../../../../src/daemon/underlay/fdb-entries.ts';
import { flowBundle, wantedFlows } from '../../../../src/daemon/underlay/service-flows.ts';

const bridge: ProviderBridge = {
  name: 'br-physnet',
  networks: new Set(['physnet']),
  card: 1,
  patchPorts: new Map([['patch-localnet.wired-to-br-int', 4]]),
};
const vlan = projectVlan({ metadata: { name: 'vlan100' }, spec: { id: 100, provider: 'physnet' } });
const SPEC = {
  vlan: 'vlan100',
  cidrBlock: '10.92.0.0/16,fd00:10:92::/64',
  gateway: '10.92.0.1,fd00:10:92::1',
  enableExternalLBAddress: true,
};

interface Given {
  readonly subnet?: string;
  readonly ips?: readonly unknown[];
  readonly ports?: readonly unknown[];
}

function service({ subnet = 'wired', ips = ['10.92.5.5'], ports = [{ port: 80 }] }: Given = {}) {
  return projectService({
    metadata: {
      name: 'web',
      annotations: { 'ovn.kubernetes.io/service_external_ip_from_subnet': subnet },
    },
    spec: { ports },
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  });
}

function flows(
  given: Given = {},
  spec: object = {},
  status: object = {},
  on: ProviderBridge = bridge,
): string[] {
  const subnet = projectSubnet({ metadata: { name: 'wired' }, spec: { ...SPEC, ...spec }, status });
  return wantedFlows(on, [service(given)], {
    subnetNamed: (name) => (name === 'wired' ? subnet : undefined),
    vlanNamed: (name) => (name === 'vlan100' ? vlan : undefined),
  });
}

describe('flows for a Service with an address of an underlay Subnet', () => {
  it('lead what comes from the card for it to OVN, in each family', () => {
    const ports = [
      { port: 80, protocol: 'TCP' },
      { port: 53, protocol: 'UDP' },
    ];
    expect(flows({ ips: ['10.92.5.5', 'fd00:10:92::5'], ports })).toEqual([
      'cookie=0x1000,priority=10000,in_port=1,tcp,nw_dst=10.92.5.5,tp_dst=80,actions=mod_dl_dst:00:00:00:01:00:01,output:4',
      'cookie=0x1000,priority=10000,in_port=1,udp,nw_dst=10.92.5.5,tp_dst=53,actions=mod_dl_dst:00:00:00:01:00:01,output:4',
      'cookie=0x1001,priority=10000,in_port=1,tcp6,ipv6_dst=fd00:10:92::5,tp_dst=80,actions=mod_dl_dst:00:00:00:01:00:01,output:4',
      'cookie=0x1001,priority=10000,in_port=1,udp6,ipv6_dst=fd00:10:92::5,tp_dst=53,actions=mod_dl_dst:00:00:00:01:00:01,output:4',
    ]);
  });

  it("are for the router's MAC where the Subnet has a router", () => {
    const [flow] = flows(
      {},
      { u2oInterconnection: true },
      { u2oInterconnectionIP: '10.92.0.2', u2oInterconnectionMAC: '00:00:00:AA:BB:CC' },
    );
    expect(flow).toContain('actions=mod_dl_dst:00:00:00:aa:bb:cc,');
  });

  it.each([
    ['enableExternalLBAddress is off', {}, { enableExternalLBAddress: false }],
    ['the Subnet is not on a provider network', {}, { vlan: '' }],
    ['the annotation names another Subnet', { subnet: 'other' }, {}],
    ['the Service has no address yet', { ips: [] }, {}],
    ['its protocol is neither TCP nor UDP', { ports: [{ port: 80, protocol: 'SCTP' }] }, {}],
  ])('are none where %s', (_why, given, spec) => {
    expect(flows(given, spec)).toEqual([]);
  });

  it.each([
    ["an address outside of the Subnet, as a node's", '192.0.2.10'],
    ["the network's gateway", '10.92.0.1'],
    ['what is no address', '10.92.5.5,actions=drop'],
  ])('are none for %s', (_what, ip) => {
    expect(flows({ ips: [ip] })).toEqual([]);
  });

  it.each([
    ['the bridge has no card', { ...bridge, card: undefined }],
    ['the patch port is not there', { ...bridge, patchPorts: new Map() }],
    ['the bridge is of another network', { ...bridge, networks: new Set(['other']) }],
  ])('are none where %s', (_why, on) => {
    expect(flows({}, {}, {}, on)).toEqual([]);
  });

  it('are each there once, however many Services have the address', () => {
    expect(flows({ ips: ['10.92.5.5', '10.92.5.5'] })).toHaveLength(1);
  });

  it('take the place of all with their cookies, and of no others', () => {
    expect(flowBundle(['cookie=0x1000,x'])).toBe(
      'delete cookie=0x1000/-1\ndelete cookie=0x1001/-1\nadd cookie=0x1000,x\n',
    );
  });
});

describe('a Service', () => {
  it('that asks for no such address is kept as that and no more', () => {
    const other = { subnet: '', addresses: [], ports: [] };
    expect(projectService({ metadata: { name: 'x' }, spec: { ports: [{ port: 1 }] } })).toEqual(
      other,
    );
    expect(projectService({})).toEqual(other);
  });

  it('with wrong ports and addresses is kept without them', () => {
    const ports = [{ port: 0 }, { port: 70_000 }, { port: 'http' }, 'x', { port: 443 }];
    expect(service({ ips: [7, null, '10.92.5.5'], ports })).toMatchObject({
      addresses: [{ text: '10.92.5.5' }],
      ports: [{ protocol: 'tcp', port: 443 }],
    });
  });
});
