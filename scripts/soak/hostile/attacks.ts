/**
 * What hostile pods say to get what is not theirs, to stop others, or to be trusted: all that a
 * pod's author can write and an API server admits, which is annotations, labels, names and
 * ownerReferences, but not UIDs, namespaces and other objects.
 */
import type { Random } from '../random.ts';
import { BOTH, LAN, NETWORKS, type Network, RED } from './networks.ts';

/** What an attack knows: all that users may read. */
export interface View {
  readonly random: Random;
  /** Honest pods that run, as `kubectl get -o yaml` shows them. */
  readonly victims: readonly Victim[];
  /** Name and UID of a VirtualMachineInstance that exists. */
  readonly machine: { readonly name: string; readonly uid: string };
}

export interface Victim {
  readonly name: string;
  readonly annotations: Texts;
}

/** Parts of a pod's metadata. */
export interface Disguise {
  readonly annotations: Texts;
  readonly labels?: Texts;
  readonly ownerReferences?: readonly object[];
}

type Texts = Readonly<Record<string, string>>;
type Attack = (view: View) => Disguise;

const NETWORKS_KEY = 'k8s.v1.cni.cncf.io/networks';
const MIGRATION_KEY = 'kubevirt.io/migrationJobName';
/** Below what an API server takes for all annotations of an object: 256 KiB. */
const HUGE_BYTES = 200_000;

/** By name, for the report. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'copy of a running pod': ({ random, victims }) => ({
    annotations: { [NETWORKS_KEY]: BOTH, ...random.pick(victims).annotations },
  }),
  'forged allocation': (view) => ({ annotations: forged(view, chosenAddress) }),
  "forged allocation with a victim's address": (view) => ({
    annotations: forged(view, victimsAddress),
  }),
  'address that is not free asked for': (view) => ({ annotations: asked(view) }),
  'address and MAC asked for by the networks annotation': askedByNetworks,
  "pool of others' addresses": (view) => ({
    annotations: {
      [NETWORKS_KEY]: BOTH,
      [keyOf(LAN, 'ip_pool')]: victimsAddress(view, LAN),
      [keyOf(RED, 'ip_pool')]: victimsAddress(view, RED).replaceAll(',', ';'),
    },
  }),
  'migration that is none': (view) => ({
    annotations: { ...forged(view, victimsAddress), [MIGRATION_KEY]: 'x' },
    labels: { 'kubevirt.io': 'virt-launcher', 'kubevirt.io/migrationJobUID': 'x' },
  }),
  'owner that does not exist': (view) => ({
    annotations: { [NETWORKS_KEY]: BOTH, ...forged(view, victimsAddress) },
    ownerReferences: [instance(view.random.pick(view.victims).name, 'b6a2f2a0-0000-0000-0000-0')],
  }),
  "owner that is another's": ({ machine, random }) => ({
    annotations: { [NETWORKS_KEY]: BOTH, [MIGRATION_KEY]: 'x' },
    labels: { 'kubevirt.io': 'virt-launcher' },
    ownerReferences: [instance(machine.name, random.pick([machine.uid, 'another']))],
  }),
  'owner with a name that is none': ({ random }) => ({
    annotations: { [NETWORKS_KEY]: BOTH },
    ownerReferences: [
      instance(random.pick(['..', 'x?watch=true', 'a/../b', 'A'.repeat(5000), '%2e%2e']), 'uid'),
    ],
  }),
  'StatefulSet that does not exist': ({ random, victims }) => {
    const { name } = random.pick(victims);
    const set = { apiVersion: 'apps/v1', kind: 'StatefulSet', name, uid: 'none' };
    return { annotations: { [NETWORKS_KEY]: BOTH }, ownerReferences: [set] };
  },
  "a victim's name as virtual machine": (view) => ({
    annotations: {
      ...forged(view, victimsAddress),
      ...Object.fromEntries(
        NETWORKS.map((network) => [
          keyOf(network, 'virtualmachine'),
          view.random.pick([...view.victims.map(({ name }) => name), view.machine.name]),
        ]),
      ),
    },
  }),
  'very many networks': ({ random }) => ({
    annotations: { [NETWORKS_KEY]: manyNetworks(random) },
  }),
  'very long values': ({ random }) => ({
    annotations: {
      [NETWORKS_KEY]: BOTH,
      [keyOf(random.pick(NETWORKS), random.pick(KEYS))]: filled(random),
    },
  }),
  noise: ({ random }) => ({
    annotations: {
      [NETWORKS_KEY]: BOTH,
      ...Object.fromEntries(
        Array.from({ length: 1 + random.below(6) }, () => [
          keyOf(random.pick(NETWORKS), random.pick(KEYS)),
          random.pick(NOISE),
        ]),
      ),
    },
  }),
};

/** What is believed somewhere, or was. */
const KEYS = [
  ...['allocated', 'routed', 'ip_address', 'mac_address', 'cidr', 'gateway', 'logical_switch'],
  ...['logical_router', 'ip_pool', 'routes', 'default_route', 'security_groups', 'port_security'],
  ...['virtualmachine', 'vlan_id', 'provider_network', 'ingress_rate', 'egress_rate', 'mirror'],
] as const;
const NOISE = [
  ...['', 'true', 'false', 'TRUE', '0', '-1', '1e9', 'null', '[]', '{}', '..', '../..', 'lan'],
  ...['red', 'join', 'ovn-default', '0.0.0.0', '::', '255.255.255.255', '172.17.0.300', '%00'],
  ...['[{"dst":"0.0.0.0/0","gw":"10.50.0.9"}]', '__proto__', 'ff:ff:ff:ff:ff:ff', '\u202e'],
] as const;

/** Annotations as the controller writes them, made up for one or both networks. */
function forged(view: View, addressOf: (view: View, network: Network) => string): Texts {
  const chosen = view.random.chance(0.5) ? NETWORKS : [view.random.pick(NETWORKS)];
  const annotations: Record<string, string> = { [NETWORKS_KEY]: BOTH };
  for (const network of chosen) {
    const { cidrs, gateways, name } = network;
    const said = {
      allocated: 'true',
      routed: 'true',
      ip_address: addressOf(view, network),
      mac_address: victimsMac(view, network),
      cidr: cidrs.join(','),
      gateway: gateways.join(','),
      logical_switch: name,
    };
    for (const [key, value] of Object.entries(said)) annotations[keyOf(network, key)] = value;
  }
  return annotations;
}

function asked(view: View): Texts {
  const { random } = view;
  const addressOf = random.chance(0.5) ? victimsAddress : chosenAddress;
  const annotations: Record<string, string> = { [NETWORKS_KEY]: BOTH };
  for (const network of NETWORKS) {
    annotations[keyOf(network, 'ip_address')] = addressOf(view, network);
    if (random.chance(0.5)) annotations[keyOf(network, 'mac_address')] = victimsMac(view, network);
  }
  return annotations;
}

function askedByNetworks(view: View): Disguise {
  const elements = NETWORKS.map((network) => ({
    name: network.name,
    namespace: 'default',
    ips: victimsAddress(view, network).split(','),
    ...(view.random.chance(0.5) ? { mac: victimsMac(view, network) } : {}),
  }));
  return { annotations: { [NETWORKS_KEY]: JSON.stringify(elements) } };
}

/** A router's, one that is excluded, one outside, or any other one. */
function chosenAddress({ random }: View, { gateways, excluded, cidrs }: Network): string {
  const any = `${(cidrs[0] ?? '').replace(/\d+\/\d+$/, '')}${random.below(256)}`;
  return random.pick([gateways.join(','), ...gateways, ...excluded, any, any, '192.0.2.77']);
}

function victimsAddress(view: View, network: Network): string {
  return victims(view, network, 'ip_address') ?? chosenAddress(view, network);
}

function victimsMac(view: View, network: Network): string {
  return victims(view, network, 'mac_address') ?? '02:00:00:00:00:01';
}

function victims({ random, victims }: View, network: Network, key: string): string | undefined {
  return random.pick(victims).annotations[keyOf(network, key)];
}

function keyOf({ provider }: Network, key: string): string {
  return `${provider}.kubernetes.io/${key}`;
}

function instance(name: string, uid: string): object {
  return { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name, uid };
}

function manyNetworks(random: Random): string {
  const element = random.pick(['lan', 'default/red', 'x', 'lan@i']);
  const elements: string[] = [];
  for (let bytes = 0; bytes < HUGE_BYTES; bytes += element.length + 7) {
    elements.push(element.includes('@') ? `${element}${elements.length}` : element);
  }
  if (random.chance(0.5)) return elements.join(',');
  const objects = elements.slice(0, 5000).map((name) => ({ name: name.replace(/@.*/, '') }));
  return JSON.stringify(objects);
}

function filled(random: Random): string {
  const piece = random.pick(['1', 'a,', '10.50.0.9,', '[', '{"gw":"10.50.0.9"},', 'a-', '-.', '/']);
  return piece.repeat(HUGE_BYTES / piece.length);
}
