/**
 * A cluster as Kube-OVN's own controller (v1.17, in Go) leaves it when it is removed: its objects
 * field by field, and its rows in the northbound database. Default Vpc, primary mode.
 */
import type { FakeApiServer } from '../lab/kubernetes/api.ts';
import type { OvnNode } from '../lab/ovn-node.ts';
import { macvlanNetwork, NETWORKS, ovnNetwork } from './controller-manifests.ts';

const MARK = 'external_ids:vendor=kube-ovn';
const FINALIZERS = ['kubeovn.io/kube-ovn-controller'];
const SINCE = '2026-01-02T03:04:05Z';

type Texts = Readonly<Record<string, string>>;

/** A NIC that the Go controller has made. */
export interface GoNic {
  readonly pod: string;
  readonly provider: string;
  readonly subnet: string;
  /** `v4` or `v4,v6`. */
  readonly address: string;
  /** Empty for a network of another plugin. */
  readonly mac: string;
  readonly podType?: 'StatefulSet';
}

interface GoSubnet {
  readonly name: string;
  readonly provider: string;
  readonly cidrBlock: string;
  readonly gateway: string;
  readonly protocol: 'IPv4' | 'Dual';
}

const ATTACHED = 'net.default.ovn';

export const goNics: readonly GoNic[] = [
  nic('web', 'ovn', 'ovn-default', '10.16.0.7', '0e:00:00:00:00:01'),
  nic('web', ATTACHED, 'net', '10.5.0.9,fd00:5::9', '0e:00:00:00:00:02'),
  nic('twins', 'ovn', 'ovn-default', '10.16.0.3', '0e:00:00:00:00:03'),
  nic('twins', `${ATTACHED}.net1`, 'net', '10.5.0.20,fd00:5::20', '0e:00:00:00:00:04'),
  nic('twins', `${ATTACHED}.net2`, 'net', '10.5.0.3,fd00:5::3', '0e:00:00:00:00:05'),
  nic('mac', 'ovn', 'ovn-default', '10.16.0.2', '0e:00:00:00:00:06'),
  nic('mac', 'lan.default', 'lan', '172.17.0.100', ''),
  {
    ...nic('db-0', 'ovn', 'ovn-default', '10.16.0.4', '0e:00:00:00:00:07'),
    podType: 'StatefulSet',
  },
  // Its pod is away.
  {
    ...nic('db-1', 'ovn', 'ovn-default', '10.16.0.5', '0e:00:00:00:00:08'),
    podType: 'StatefulSet',
  },
];

const NETWORKS_OF: Texts = {
  web: 'net',
  twins: '[{"name":"net","interface":"net1"},{"name":"net","interface":"net2"}]',
  mac: 'default/lan',
};

const SUBNETS: readonly GoSubnet[] = [
  subnet('ovn-default', 'ovn', '10.16.0.0/16', '10.16.0.1'),
  subnet('join', 'ovn', '100.64.0.0/16', '100.64.0.1'),
  {
    ...subnet('net', ATTACHED, '10.5.0.0/16,fd00:5::/112', '10.5.0.1,fd00:5::1'),
    protocol: 'Dual',
  },
  subnet('lan', 'lan.default', '172.17.0.0/16', '172.17.0.1'),
];

/** Makes all of it. */
export async function makeGoCluster(api: FakeApiServer, node: OvnNode): Promise<void> {
  api.create(inDefault(ovnNetwork('net')));
  api.create(inDefault(macvlanNetwork('lan')));
  makeNodeObjects(api, node.chassis);
  makeVpc(api);
  for (const each of SUBNETS) makeSubnet(api, each);
  makePods(api, node.chassis);
  for (const each of goNics) makeIp(api, each, node.chassis);
  await makeRouter(node);
  for (const each of SUBNETS) if (each.name !== 'lan') await makeSwitch(node, each);
  for (const each of goNics) if (each.mac !== '') await makePort(node, each);
  await makeNodePort(node);
}

export function portName({ pod, provider }: Pick<GoNic, 'pod' | 'provider'>): string {
  return provider === 'ovn' ? `${pod}.default` : `${pod}.default.${provider}`;
}

function nic(pod: string, provider: string, name: string, address: string, mac: string): GoNic {
  return { pod, provider, subnet: name, address, mac };
}

function subnet(name: string, provider: string, cidrBlock: string, gateway: string): GoSubnet {
  return { name, provider, cidrBlock, gateway, protocol: 'IPv4' };
}

function inDefault<T extends { readonly metadata?: object }>(manifest: T): T {
  return { ...manifest, metadata: { ...manifest.metadata, namespace: 'default' } };
}

function makeNodeObjects(api: FakeApiServer, name: string): void {
  const annotations = {
    'ovn.kubernetes.io/allocated': 'true',
    'ovn.kubernetes.io/chassis': name,
    'ovn.kubernetes.io/cidr': '100.64.0.0/16',
    'ovn.kubernetes.io/gateway': '100.64.0.1',
    'ovn.kubernetes.io/ip_address': '100.64.0.2',
    'ovn.kubernetes.io/logical_switch': 'join',
    'ovn.kubernetes.io/mac_address': '0e:00:00:00:00:64',
    'ovn.kubernetes.io/port_name': `node-${name}`,
  };
  api.patch('Node', name, { metadata: { annotations } });
  const { uid } = api.get('Node', name).metadata;
  api.create({
    kind: 'IP',
    metadata: {
      name: `node-${name}`,
      labels: labelsOf('join', name),
      finalizers: FINALIZERS,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
    },
    spec: ipSpec({ podName: name, namespace: '', subnet: 'join', nodeName: name }, '100.64.0.2', {
      macAddress: '0e:00:00:00:00:64',
    }),
  });
}

function makeVpc(api: FakeApiServer): void {
  const status = {
    standby: true,
    default: true,
    defaultLogicalSwitch: 'ovn-default',
    router: 'ovn-cluster',
    subnets: ['join', 'net', 'ovn-default'],
    tcpLoadBalancer: 'cluster-tcp-loadbalancer',
    udpLoadBalancer: 'cluster-udp-loadbalancer',
  };
  const metadata = { name: 'ovn-cluster', finalizers: FINALIZERS };
  api.create({ kind: 'Vpc', metadata, spec: {}, status });
}

function makeSubnet(api: FakeApiServer, each: GoSubnet): void {
  const { name, provider, cidrBlock, gateway, protocol } = each;
  const isOvn = name !== 'lan';
  const isJoin = name === 'join';
  const spec = {
    protocol,
    provider,
    cidrBlock,
    gateway,
    excludeIps: gateway.split(','),
    default: name === 'ovn-default',
    natOutgoing: name === 'ovn-default',
    private: false,
    ...(isOvn ? { vpc: 'ovn-cluster' } : {}),
    ...(isOvn && !isJoin ? { gatewayType: 'distributed' } : {}),
    ...(isJoin ? {} : { enableLb: true }),
  };
  const reason = isOvn ? 'ResetLogicalSwitchAclSuccess' : 'SetNonOvnSubnetSuccess';
  const conditions = [
    condition('Validated', 'True', reason),
    condition('Ready', 'True', reason),
    condition('Error', 'Unknown', 'Init', 'Not Observed'),
  ];
  const status = { ...USAGE[name], conditions };
  api.create({ kind: 'Subnet', metadata: { name, finalizers: FINALIZERS }, spec, status });
}

const NO_V6 = { v6usingIPs: 0, v6availableIPs: 0, v6usingIPrange: '', v6availableIPrange: '' };

/** As the Go controller counts: IP objects, and both families alike. */
const USAGE: Readonly<Record<string, object>> = {
  'ovn-default': {
    v4usingIPs: 5,
    v4availableIPs: 65_528,
    v4usingIPrange: '10.16.0.2-10.16.0.5,10.16.0.7',
    v4availableIPrange: '10.16.0.6,10.16.0.8-10.16.255.254',
    ...NO_V6,
  },
  join: {
    v4usingIPs: 1,
    v4availableIPs: 65_532,
    v4usingIPrange: '100.64.0.2',
    v4availableIPrange: '100.64.0.3-100.64.255.254',
    ...NO_V6,
  },
  net: {
    v4usingIPs: 3,
    v4availableIPs: 65_530,
    v4usingIPrange: '10.5.0.3,10.5.0.9,10.5.0.20',
    v4availableIPrange: '10.5.0.2,10.5.0.4-10.5.0.8,10.5.0.10-10.5.0.19,10.5.0.21-10.5.255.254',
    v6usingIPs: 3,
    v6availableIPs: 65_530,
    v6usingIPrange: 'fd00:5::3,fd00:5::9,fd00:5::20',
    v6availableIPrange:
      'fd00:5::2,fd00:5::4-fd00:5::8,fd00:5::a-fd00:5::1f,fd00:5::21-fd00:5::fffe',
  },
  lan: {
    v4usingIPs: 1,
    v4availableIPs: 65_532,
    v4usingIPrange: '172.17.0.100',
    v4availableIPrange: '172.17.0.2-172.17.0.99,172.17.0.101-172.17.255.254',
    ...NO_V6,
  },
};

function condition(type: string, status: string, reason: string, message = ''): object {
  return { type, status, reason, message, lastUpdateTime: SINCE, lastTransitionTime: SINCE };
}

function makePods(api: FakeApiServer, nodeName: string): void {
  const set = api.create({
    kind: 'StatefulSet',
    metadata: { name: 'db', namespace: 'default' },
    spec: { replicas: 2, template: { metadata: { annotations: {} }, spec: {} } },
  });
  for (const name of ['web', 'twins', 'mac', 'db-0']) {
    const networks = NETWORKS_OF[name];
    const annotations: Record<string, string> =
      networks === undefined ? {} : { [NETWORKS]: networks };
    for (const each of goNics)
      if (each.pod === name) Object.assign(annotations, annotationsOf(each));
    const { uid = '' } = set.metadata;
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid, controller: true };
    const ownerReferences = name === 'db-0' ? [owner] : [];
    api.create({
      kind: 'Pod',
      metadata: { name, namespace: 'default', annotations, ownerReferences },
      spec: { nodeName },
      status: { phase: 'Running' },
    });
  }
}

function annotationsOf({ provider, subnet: name, address, mac }: GoNic): Texts {
  const place = SUBNETS.find((each) => each.name === name);
  const texts: Texts = {
    ip_address: address,
    cidr: place?.cidrBlock ?? '',
    gateway: place?.gateway ?? '',
    allocated: 'true',
    ...(mac === ''
      ? {}
      : {
          mac_address: mac,
          logical_switch: name,
          logical_router: 'ovn-cluster',
          pod_nic_type: 'veth-pair',
          routed: 'true',
        }),
  };
  const keyed = Object.entries(texts).map(([key, value]) => [
    `${provider}.kubernetes.io/${key}`,
    value,
  ]);
  return Object.fromEntries(keyed);
}

function makeIp(api: FakeApiServer, each: GoNic, nodeName: string): void {
  const { pod, subnet: name, address, mac, podType = '' } = each;
  const metadata = {
    name: portName(each),
    labels: labelsOf(name, nodeName),
    finalizers: FINALIZERS,
  };
  const whose = { podName: pod, namespace: 'default', subnet: name, nodeName };
  const spec = ipSpec(whose, address, { macAddress: mac, podType });
  api.create({ kind: 'IP', metadata, spec });
}

function labelsOf(name: string, nodeName: string): Texts {
  return {
    'ovn.kubernetes.io/subnet': name,
    'ovn.kubernetes.io/node-name': nodeName,
    'ovn.kubernetes.io/ip_reserved': 'false',
    [name]: '',
  };
}

function ipSpec(whose: Texts, address: string, more: Texts): object {
  const [v4IpAddress = '', v6IpAddress = ''] = address.split(',');
  return {
    podType: '',
    ...whose,
    ...more,
    ipAddress: address,
    v4IpAddress,
    v6IpAddress,
    attachIps: [],
    attachMacs: [],
    attachSubnets: [],
    containerID: '',
  };
}

async function makeRouter(node: OvnNode): Promise<void> {
  await node.nbctl(
    ...['--id=@r', 'create', 'Logical_Router_Static_Route', 'policy=dst-ip', MARK],
    ...['ip_prefix=0.0.0.0/0', 'nexthop=100.64.0.1'],
    ...['--', 'create', 'Logical_Router', 'name=ovn-cluster', MARK, 'static_routes=@r'],
    ...['options:mac_binding_age_threshold=300', 'options:dynamic_neigh_routers=true'],
    'options:always_learn_from_arp_request=false',
  );
}

async function makeSwitch(node: OvnNode, each: GoSubnet): Promise<void> {
  const { name, cidrBlock, gateway } = each;
  const cidrs = cidrBlock.split(',');
  const networks = gateway
    .split(',')
    .map((text, index) => `"${text}/${cidrs[index]?.split('/')[1]}"`);
  const port = `${name}-ovn-cluster`;
  const mac = `0e:00:00:00:01:0${SUBNETS.indexOf(each)}`;
  await node.nbctl(
    ...['--id=@p', 'create', 'Logical_Switch_Port', `name=${port}`, 'type=router', MARK],
    ...['addresses=router', `options:router-port=ovn-cluster-${name}`, `external_ids:ls=${name}`],
    ...['--', 'create', 'Logical_Switch', `name=${name}`, MARK, 'ports=@p'],
    ...['--', '--id=@l', 'create', 'Logical_Router_Port', `name=ovn-cluster-${name}`, MARK],
    ...[`mac="${mac}"`, `networks=${networks.join(',')}`, 'external_ids:lr=ovn-cluster'],
    ...['--', 'add', 'Logical_Router', 'ovn-cluster', 'ports', '@l'],
  );
  for (const cidr of cidrs) {
    const match = `ip${cidr.includes(':') ? 6 : 4}.dst == ${cidr}`;
    await node.nbctl(
      ...['--id=@p', 'create', 'Logical_Router_Policy', 'priority=31000', 'action=allow', MARK],
      ...[`match="${match}"`, `external_ids:subnet=${name}`],
      ...['--', 'add', 'Logical_Router', 'ovn-cluster', 'policies', '@p'],
    );
  }
}

async function makePort(node: OvnNode, each: GoNic): Promise<void> {
  const { pod, subnet: name, address, mac } = each;
  await node.nbctl(
    ...['--id=@p', 'create', 'Logical_Switch_Port', `name=${portName(each)}`, MARK],
    ...[`addresses="${[mac, ...address.split(',')].join(' ')}"`, `external_ids:ls=${name}`],
    ...[`external_ids:pod="default/${pod}"`],
    ...['--', 'add', 'Logical_Switch', name, 'ports', '@p'],
  );
}

/** What Kube-OVN makes for each node, and what this controller does not: it stays as it is. */
async function makeNodePort(node: OvnNode): Promise<void> {
  const { chassis } = node;
  await node.nbctl(
    ...['--id=@p', 'create', 'Logical_Switch_Port', `name=node-${chassis}`, MARK],
    ...['addresses="0e:00:00:00:00:64 100.64.0.2"', 'external_ids:ls=join'],
    ...['--', 'add', 'Logical_Switch', 'join', 'ports', '@p'],
    ...['--', 'create', 'Port_Group', `name=ovn.default.${chassis}`, MARK],
    ...['external_ids:subnet=ovn-default', `external_ids:node=${chassis}`],
    ...[
      '--',
      '--id=@q',
      'create',
      'Logical_Router_Policy',
      'priority=30000',
      'action=reroute',
      MARK,
    ],
    ...['match="ip4.dst == 192.0.2.1"', 'nexthops=100.64.0.2', `external_ids:node=${chassis}`],
    ...['--', 'add', 'Logical_Router', 'ovn-cluster', 'policies', '@q'],
    ...['--', 'create', 'Load_Balancer', 'name=cluster-tcp-loadbalancer', 'protocol=tcp'],
  );
}
