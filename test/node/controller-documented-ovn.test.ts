/** Kube-OVN's documentation as it stands, in non-primary mode: networks of its own type. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as documented from '../lab/documented.ts';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { OTHER_PRIMARY_CONFIG } from '../lab/multus.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout, gone } from './controller-observe.ts';
import { attachmentRow, canPing } from './observe.ts';

const PROVIDER = 'attachnet.default.ovn';
const OTHER_ETH0 = 'default via 10.244.0.1 dev eth0';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({ primary: OTHER_PRIMARY_CONFIG });
  fixture.apply(documented.attachnetNetwork, documented.macvlanNetwork);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Deletes a Subnet, and waits for its end. */
async function drop(name: string): Promise<void> {
  fixture.api.delete('Subnet', name);
  await gone(fixture, 'Subnet', name);
}

/** Name, MAC and addresses of a pod's port in OVN. */
async function portOf(name: string): Promise<string> {
  return (await fixture.node.nbctl('lsp-get-addresses', name)).trim();
}

test('"Create a Pod with Multiple NIC": the pod is on the logical switch of its Subnet', async () => {
  fixture.apply(documented.attachnetSubnet);
  const { pod, sandbox } = await fixture.pod(documented.attachnetPod);
  const { mac_address = '', ...rest } = await fixture.allocated('default/samplepod', PROVIDER);
  expect(rest).toEqual({
    ip_address: '172.17.0.11',
    cidr: '172.17.0.0/16',
    gateway: '172.17.0.1',
    logical_switch: 'attachnet',
    logical_router: 'ovn-cluster',
    pod_nic_type: 'veth-pair',
    allocated: 'true',
    routed: 'true',
  });
  expect(mac_address).toMatch(/^.[26ae](:[0-9a-f]{2}){5}$/);
  expect(await portOf(`samplepod.default.${PROVIDER}`)).toBe(`${mac_address} 172.17.0.11`);
  expect((await podLink(sandbox, 'net1'))?.address).toBe(mac_address);
  expect(await podRoutes(sandbox, 4)).toEqual([OTHER_ETH0]);
  expect(await canPing(sandbox, '172.17.0.1', 'net1')).toBe(true);
  const { spec } = fixture.api.get('IP', `samplepod.default.${PROVIDER}`);
  expect(spec).toMatchObject({ ipAddress: '172.17.0.11', macAddress: mac_address });
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', `samplepod.default.${PROVIDER}`);
  expect(await fixture.node.nbctl('lsp-list', 'attachnet')).not.toContain('samplepod');
});

test('"Configure Custom Routes for Attached NICs": of a pod and of a Deployment', async () => {
  const { sandbox, pod } = await fixture.pod(documented.customRoutesPod);
  const pods = await fixture.workloads.apply(documented.customRoutesWorkload);
  const replicas = await Promise.all(pods.map((each) => fixture.run(each)));
  expect(replicas).toHaveLength(2);
  for (const one of [sandbox, ...replicas.map((replica) => replica.sandbox)]) {
    const routes = await podRoutes(one, 4);
    expect(routes).toContain('192.168.0.0/24 via 172.17.0.254 dev net1');
    expect(routes).toContain('default via 172.17.0.254 dev net1');
  }
  const [first, second] = replicas;
  const { ip_address = '' } = await fixture.allocated(`default/${second?.pod.name}`, PROVIDER);
  expect(first && (await canPing(first.sandbox, ip_address, 'net1'))).toBe(true);
  await fixture.workloads.delete('Deployment', 'default/custom-routes-attach');
  await fixture.kubelet.end(pod);
});

test('the same network twice: each NIC has what is asked for its interface', async () => {
  const networks = JSON.stringify(
    ['net1', 'net2'].map((each) => ({ name: 'attachnet', interface: each })),
  );
  const { pod, sandbox } = await fixture.pod(
    podOf('twice', networks, {
      'attachnet.default.kubernetes.io/ip_address.net1': '172.17.0.71',
      'attachnet.default.kubernetes.io/mac_address.net1': '02:00:00:00:00:71',
      'attachnet.default.kubernetes.io/ip_address.net2': '172.17.0.72',
    }),
  );
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.71/16']);
  expect(await podAddresses(sandbox, 'net2')).toEqual(['172.17.0.72/16']);
  expect((await podLink(sandbox, 'net1'))?.address).toBe('02:00:00:00:00:71');
  const ips = ['net1', 'net2'].map((each) => `twice.default.${PROVIDER}.${each}`);
  expect(ips.map((ip) => fixture.api.get('IP', ip).spec?.ipAddress)).toEqual([
    '172.17.0.71',
    '172.17.0.72',
  ]);
  expect(await portOf(ips[0] ?? '')).toBe('02:00:00:00:00:71 172.17.0.71');
  await fixture.kubelet.end(pod);
  for (const ip of ips) await gone(fixture, 'IP', ip);
});

test.each([
  ['the network’s', PROVIDER, 'net1'],
  ['a NIC’s own', `${PROVIDER}.net2`, 'net2'],
])(
  'the same network twice: %s key says which NIC has the default route',
  async (_, prefix, nic) => {
    const networks = JSON.stringify(
      ['net1', 'net2'].map((each) => ({ name: 'attachnet', interface: each })),
    );
    const annotations = { [`${prefix}.kubernetes.io/default_route`]: 'true' };
    const { pod, sandbox } = await fixture.pod(podOf('routed', networks, annotations));
    expect(await podRoutes(sandbox, 4)).toEqual([`default via 172.17.0.1 dev ${nic}`]);
    const { metadata } = fixture.api.get('Pod', 'default/routed');
    const routed = [PROVIDER, `${PROVIDER}.net1`, `${PROVIDER}.net2`].map(
      (each) => metadata.annotations?.[`${each}.kubernetes.io/routed`],
    );
    // Kube-OVN's daemon waits for the first.
    expect(routed).toEqual([prefix === PROVIDER ? 'true' : undefined, 'true', 'true']);
    await fixture.kubelet.end(pod);
    await gone(fixture, 'IP', `routed.default.${PROVIDER}.net2`);
  },
);

test('"Create a Kube-OVN Subnet (Provider ovn)": the pod names it by logical_switch', async () => {
  await fixture.subnetStatus('attachnet', ({ v4usingIPs }) => v4usingIPs === 0);
  await drop('attachnet');
  fixture.apply(documented.attachnetSubnetOfOvn);
  const { pod, sandbox } = await fixture.pod(documented.attachnetPodWithSwitch);
  const { ip_address = '', logical_switch } = await fixture.allocated(
    'default/samplepod',
    PROVIDER,
  );
  expect(logical_switch).toBe('attachnet');
  expect(await podAddresses(sandbox, 'net1')).toEqual([`${ip_address}/16`]);
  expect(await canPing(sandbox, '172.17.0.1', 'net1')).toBe(true);
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', `samplepod.default.${PROVIDER}`);
  await drop('attachnet');
});

test('the same for macvlan, whose NIC has no port in OVN', async () => {
  fixture.apply(documented.macvlanSubnetOfOvn);
  const { pod, sandbox } = await fixture.pod(documented.macvlanPodWithSwitch);
  const annotations = await fixture.allocated('default/samplepod', 'macvlan.default');
  expect(annotations).toMatchObject({ ip_address: '172.17.0.11', logical_switch: 'macvlan' });
  expect(annotations).not.toHaveProperty('mac_address');
  expect((await podLink(sandbox, 'net1'))?.linkinfo?.info_kind).toBe('macvlan');
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.11/16']);
  expect(fixture.api.get('IP', 'samplepod.default.macvlan.default').spec?.subnet).toBe('macvlan');
  // Nothing of the pod waits for its Subnet's switch.
  await fixture.node.nbctl('--timeout=60', 'wait-until', 'Logical_Switch', 'macvlan');
  expect(await fixture.node.nbctl('lsp-list', 'macvlan')).not.toContain('samplepod');
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', 'samplepod.default.macvlan.default');
});

test('as the main NIC that is not supported: an event says so, and no address is used', async () => {
  fixture.schedule(documented.macvlanMainPod);
  const name = documented.macvlanMainPod.metadata.name;
  const unbound = { kind: 'Pod', name, reason: 'PodNetworkUpdateFailed' };
  expect(await eventAbout(fixture, unbound)).toContain('macvlan.default is not bound');
  const key = 'macvlan.default.kubernetes.io/logical_switch';
  fixture.api.patch('Pod', `default/${name}`, { metadata: { annotations: { [key]: 'macvlan' } } });
  const said = await eventAbout(fixture, { ...unbound, reason: 'PodNetworkNotSupported' });
  expect(said).toContain('main network on subnet macvlan');
  expect(fixture.api.list('IP')).toEqual([]);
});

/** A network with a Subnet in a Vpc of its own. */
function tenantOf(name: string, cidrBlock: string): readonly NewObject[] {
  const spec = { vpc: `vpc-${name}`, cidrBlock, provider: `${name}.default.ovn` };
  const vpc = { kind: 'Vpc', metadata: { name: `vpc-${name}` }, spec: {} };
  return [ovnNetwork(name), vpc, subnet(`subnet-${name}`, spec)];
}

test('non-primary mode, "VPC and Subnet Configuration": cidr is taken for cidrBlock', async () => {
  fixture.apply(documented.vpcNetwork, documented.secondaryVpc, documented.secondarySubnet);
  const { sandbox } = await fixture.pod(documented.multiNetworkPod);
  expect(await podAddresses(sandbox, 'net1')).toEqual(['10.100.0.2/16']);
  expect(await canPing(sandbox, '10.100.0.1', 'net1')).toBe(true);
  expect(fixture.api.get('Subnet', 'subnet-secondary').spec?.cidrBlock).toBe('10.100.0.0/16');
});

test('"Network Segmentation" and "Multiple Network Providers": Multus refuses names with a slash in JSON, an event says what to write, and that works', async () => {
  const names = ['public-network', 'internal-network', 'kube-ovn-network-1', 'kube-ovn-network-2'];
  for (const [index, name] of names.entries()) {
    fixture.apply(...tenantOf(name, `10.11${index}.0.0/16`));
  }
  const { metadata: page } = documented.frontendPod;
  const asItStands = fixture.schedule(documented.frontendPod);
  const said = await eventAbout(fixture, {
    kind: 'Pod',
    name: page.name,
    reason: 'ValidatePodNetworkFailed',
  });
  expect(said).toContain('write "namespace": "default", "name": "public-network"');
  await expect(fixture.kubelet.start(asItStands)).rejects.toThrow("may not contain '/'");
  await fixture.kubelet.end(asItStands);
  const corrected = { ...page, annotations: documented.namesApart(page.annotations) };
  const frontend = await fixture.pod({ ...documented.frontendPod, metadata: corrected });
  const annotations = documented.namesApart(documented.twoProviders);
  const metadata = { name: 'two-providers', annotations };
  const both = await fixture.pod({ kind: 'Pod', metadata });
  const addresses = [frontend, both].flatMap(({ sandbox }) => [
    podAddresses(sandbox, 'net1'),
    podAddresses(sandbox, 'net2'),
  ]);
  expect((await Promise.all(addresses)).flat()).toEqual([
    '10.110.0.2/16',
    '10.111.0.2/16',
    '10.112.0.2/16',
    '10.113.0.2/16',
  ]);
});

test('"Multi-Tenancy": two tenants have the same addresses and do not meet', async () => {
  const tenants = ['tenant-a-network', 'tenant-b-network'];
  for (const name of tenants) fixture.apply(...tenantOf(name, '10.120.0.0/16'));
  const pods = await Promise.all(documented.tenantPods.map((manifest) => fixture.pod(manifest)));
  for (const { sandbox } of pods) {
    expect(await podAddresses(sandbox, 'net1')).toEqual(['10.120.0.2/16']);
  }
  const other = await fixture.pod(podOf('tenant-b-more', 'tenant-b-network'));
  expect(await podAddresses(other.sandbox, 'net1')).toEqual(['10.120.0.3/16']);
  const reach = pods.map(({ sandbox }) => canPing(sandbox, '10.120.0.3', 'net1'));
  expect(await Promise.all(reach)).toEqual([false, true]);
});

test('"IP Address Assignment", where a mask does not matter, and "Quality of Service"', async () => {
  fixture.apply(...tenantOf('kube-ovn-network', '10.100.0.0/16'));
  const annotations = {
    ...documented.namesApart(documented.staticAddress),
    ...documented.qualityOfService,
  };
  const { sandbox } = await fixture.pod({ kind: 'Pod', metadata: { name: 'static', annotations } });
  expect(await podAddresses(sandbox, 'net1')).toEqual(['10.100.0.100/16']);
  // 1000 Mbit/s, in kbit/s.
  const { ingress_policing_rate } = await attachmentRow(fixture.node, sandbox, 'net1');
  expect(ingress_policing_rate).toBe(1_000_000);
});
