/** The networks of the soak, and the interfaces that its pods may have on them. */
import type { Cluster, NicPlan, SubnetPlan } from '../../test/lab/cluster.ts';
import { SOCKET } from '../../test/lab/daemon.ts';
import type { NetworkConfig } from '../../test/lab/runtime.ts';
import type { Random } from './random.ts';

export interface Network {
  readonly subnet: SubnetPlan;
  readonly config: NetworkConfig;
  /** We only say which addresses its interfaces get. */
  readonly isIpam: boolean;
}

/** One interface of a pod, for all sandboxes that the pod will have. */
export interface Nic {
  readonly ifName: string;
  readonly network: Network;
  readonly plan: NicPlan;
  /** That must answer a ping; none for an interface that another plugin would make. */
  readonly gateways: readonly string[];
}

export type Networks = Readonly<Record<'primary' | 'limited' | 'dual' | 'macvlan', Network>>;

const PLANS = {
  primary: ['ovn', '10.16.0.0/16,fd00:10:16::/64', '10.16.0.1,fd00:10:16::1'],
  limited: ['limited.default.ovn', '10.17.0.0/16', '10.17.0.1'],
  dual: ['dual.default.ovn', '10.18.0.0/16,fd00:10:18::/64', '10.18.0.1,fd00:10:18::1'],
  macvlan: ['macvlan.default', '10.19.0.0/16', '10.19.0.1'],
} as const;
/** CHECK exists from 0.4.0 on; each form of its result is met. */
const VERSIONS = { primary: '0.4.0', limited: '1.0.0', dual: '1.1.0', macvlan: '1.0.0' } as const;

export async function createNetworks(cluster: Cluster): Promise<Networks> {
  const create = async (name: keyof Networks): Promise<Network> => {
    const [provider, cidrBlock, gateway] = PLANS[name];
    const subnet = await cluster.createSubnet({ name, provider, cidrBlock, gateway });
    const isIpam = name === 'macvlan';
    const ours = { server_socket: SOCKET, provider };
    const type = isIpam
      ? { type: 'macvlan', ipam: { type: 'kube-ovn', ...ours } }
      : { type: 'kube-ovn', ...ours };
    return { subnet, config: { cniVersion: VERSIONS[name], name, ...type }, isIpam };
  };
  return {
    primary: await create('primary'),
    limited: await create('limited'),
    dual: await create('dual'),
    macvlan: await create('macvlan'),
  };
}

/** The shapes that a pod can have: one to three interfaces. */
type Shape = readonly (readonly [ifName: string, network: keyof Networks, isShared?: true])[];
const SHAPES: readonly Shape[] = [
  [['eth0', 'primary']],
  [['net1', 'limited']],
  [
    ['eth0', 'primary'],
    ['net1', 'limited'],
  ],
  [
    ['net1', 'dual'],
    ['net2', 'macvlan'],
  ],
  [
    ['eth0', 'primary'],
    ['net1', 'dual', true],
    ['net2', 'dual', true],
  ],
  [
    ['net1', 'limited', true],
    ['net2', 'limited', true],
    ['net3', 'macvlan'],
  ],
  [['net1', 'macvlan']],
  [
    ['eth0', 'primary'],
    ['net1', 'limited'],
    ['a-long-name-15', 'dual'],
  ],
];

/** The interfaces of a new pod; its place among the pods decides shape and addresses. */
export function nicsOf(networks: Networks, place: number, random: Random): Nic[] {
  const shape = SHAPES[place % SHAPES.length] as Shape;
  return shape.map(([ifName, name, isShared], index) => {
    const network = networks[name];
    const { provider, gateway } = network.subnet;
    const addresses = gateway.split(',').map((address) => addressOf(address, place, index));
    const plan: NicPlan = {
      provider,
      subnet: network.subnet,
      ip: addresses.join(','),
      mac: `00:00:00:10:${hex(place)}:${hex(index)}`,
      more: network.isIpam ? {} : randomLimits(random),
      ...(isShared ? { ifName } : {}),
    };
    return { ifName, network, plan, gateways: network.isIpam ? [] : gateway.split(',') };
  });
}

/** `10.17.0.1` becomes `10.17.<place + 1>.<index + 1>`, and an IPv6 address likewise. */
function addressOf(gateway: string, place: number, index: number): string {
  return gateway.includes(':')
    ? gateway.replace(/::1$/, `::${hex(place + 1)}:${hex(index + 1)}`)
    : gateway.replace(/\.0\.1$/, `.${place + 1}.${index + 1}`);
}

/** Some with a queue (HTB), some policed, some both, some with netem, some mirrored. */
function randomLimits(random: Random): Record<string, string> {
  const rate = () => String(10 + random.below(90));
  return {
    ...(random.chance(0.5) ? { ingress_rate: rate() } : {}),
    ...(random.chance(0.4) ? { egress_rate: rate() } : {}),
    ...(random.chance(0.2) ? { latency: String(1 + random.below(3)) } : {}),
    ...(random.chance(0.2) ? { mirror: 'true' } : {}),
  };
}

function hex(number: number): string {
  return number.toString(16).padStart(2, '0');
}
