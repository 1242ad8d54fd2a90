/**
 * A cluster to ask: NetworkAttachmentDefinitions, Subnets and whatever else a test needs, and pods
 * with annotations.
 */

import { projectIpPool } from '../../../../src/controller/kinds/ippool/object/ippool.ts';
import { projectNad } from '../../../../src/controller/kinds/nad/object/nad.ts';
import { projectNamespace } from '../../../../src/controller/kinds/namespace/object/namespace.ts';
import { type Pod, projectPod } from '../../../../src/controller/kinds/pod/object/pod.ts';
import { projectSubnet } from '../../../../src/controller/kinds/subnet/object/project-subnet.ts';
import { projectVpc } from '../../../../src/controller/kinds/vpc/object/vpc.ts';
import type { ObjectEvent } from '../../../../src/controller/model/events.ts';
import type { Problem } from '../../../../src/controller/model/problem.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import { podNetworks } from '../../../../src/controller/networks/pod-networks.ts';
import type { NetworkView, NicRequest } from '../../../../src/controller/networks/request.ts';
import { indexSubnets } from '../../../../src/controller/networks/subnet-index.ts';
import { rawObject } from '../kinds/object-support.ts';
import { defaultSettings } from '../settings.ts';

export interface Cluster {
  readonly settings?: Partial<ClusterSettings>;
  /** Configurations by `namespace/name`; texts, or what is to become JSON. */
  readonly nads?: Readonly<Record<string, object | string>>;
  /** Specs by name, with metadata where they matter. */
  readonly subnets?: Readonly<Record<string, SubnetShape>>;
  /** Specs by name. */
  readonly ipPools?: Readonly<Record<string, object>>;
  readonly vpcs?: Readonly<Record<string, object>>;
  /** Metadata by name. */
  readonly namespaces?: Readonly<Record<string, object>>;
  /** Why there are no IPPools. */
  readonly lackOfIpPools?: Problem;
  /** Who has addresses of any Subnet, in words. */
  readonly holders?: string;
}

/** Fields of a spec. */
export interface SubnetShape {
  readonly metadata?: object;
  readonly [field: string]: unknown;
}

/** The documentation's networks, each with the Subnet of its provider. */
export const MACVLAN_NAD = {
  cniVersion: '0.3.0',
  type: 'macvlan',
  master: 'eth0',
  mode: 'bridge',
  ipam: {
    type: 'kube-ovn',
    server_socket: '/run/openvswitch/kube-ovn-daemon.sock',
    provider: 'macvlan.default',
  },
};
export const ATTACHNET_NAD = {
  cniVersion: '0.3.0',
  type: 'kube-ovn',
  server_socket: '/run/openvswitch/kube-ovn-daemon.sock',
  provider: 'attachnet.default.ovn',
};
const DOCUMENTED = {
  protocol: 'IPv4',
  cidrBlock: '172.17.0.0/16',
  gateway: '172.17.0.1',
  excludeIps: ['172.17.0.0..172.17.0.10'],
};
export const macvlanSubnet = { ...DOCUMENTED, provider: 'macvlan.default' };
export const attachnetSubnet = { ...DOCUMENTED, provider: 'attachnet.default.ovn' };
export const ovnSubnet = { ...DOCUMENTED, provider: 'ovn' };
export const ovnDefault = { cidrBlock: '10.16.0.0/16', provider: 'ovn', default: true };

export const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
export const DEFAULT_NETWORK = 'v1.multus-cni.io/default-network';

/** Non-primary mode unless `settings` say otherwise. */
export function viewOf(cluster: Cluster): NetworkView {
  const settings = { ...defaultSettings, isPrimary: false, ...cluster.settings };
  const nads = new Map(
    Object.entries(cluster.nads ?? {}).map(([key, config]) => {
      const [namespace, name] = key.split('/');
      const text = typeof config === 'string' ? config : JSON.stringify(config);
      return [key, projectNad({ metadata: { namespace, name }, spec: { config: text } })];
    }),
  );
  const pools = new Map(
    Object.entries(cluster.ipPools ?? {}).map(([name, spec]) => [
      name,
      projectIpPool(rawObject(name, { spec })),
    ]),
  );
  const namespaces = new Map(
    Object.entries(cluster.namespaces ?? {}).map(([name, metadata]) => [
      name,
      projectNamespace(rawObject(name, { metadata })),
    ]),
  );
  return {
    settings,
    subnets: indexSubnets(
      Object.entries(cluster.subnets ?? {}).map(([name, { metadata, ...spec }]) =>
        projectSubnet(rawObject(name, { metadata: metadata ?? {}, spec }), settings),
      ),
    ),
    nad: (namespace, name) => nads.get(`${namespace}/${name}`),
    ipPool: (name) => pools.get(name),
    ipPools: () => pools.values(),
    namespace: (name) => namespaces.get(name),
    lackOfIpPools: () => cluster.lackOfIpPools,
    holdersOf: () => cluster.holders ?? '',
    vpcs: () =>
      Object.entries(cluster.vpcs ?? {}).map(([name, spec]) =>
        projectVpc(rawObject(name, { spec }), settings.defaultVpc),
      ),
  };
}

export interface PodShape {
  readonly name?: string;
  readonly namespace?: string;
  readonly metadata?: object;
  readonly spec?: object;
}

export function podOf(annotations: object, { name = 'samplepod', ...shape }: PodShape = {}): Pod {
  const metadata = { namespace: shape.namespace ?? 'default', annotations, ...shape.metadata };
  return projectPod(rawObject(name, { metadata, spec: shape.spec }));
}

/** A pod of StatefulSet `web`. */
export function statefulPod(annotations: object, name: string): Pod {
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'sts' };
  return podOf(annotations, { name, metadata: { ownerReferences: [owner] } });
}

/** The NICs of a pod with which nothing is wrong; otherwise the test fails. */
export function nicsOf(pod: Pod, cluster: Cluster): readonly NicRequest[] {
  const found = podNetworks(pod, viewOf(cluster));
  if ('nics' in found) return found.nics;
  throw new Error(`expected NICs and got ${JSON.stringify(found.problems)}`);
}

/** What is wrong with a pod, in words; none where nothing is. */
export function problemsOf(pod: Pod, cluster: Cluster): readonly string[] {
  const found = podNetworks(pod, viewOf(cluster));
  return 'nics' in found ? [] : found.problems.map(({ message }) => message);
}

export function eventsOf(pod: Pod, cluster: Cluster): readonly ObjectEvent[] {
  return podNetworks(pod, viewOf(cluster)).events;
}

/** A NIC in short: what it is, and what is tried for it. */
export function short({ kind, provider, port, attempts, mac, family }: NicRequest) {
  return {
    kind,
    provider,
    port,
    attempts: attempts.map(({ subnet, addresses }) => {
      if (addresses.kind === 'dynamic') return [subnet.name, addresses.pool ?? 'any'].join(' ');
      const entries = addresses.entries.map((entry) => entry.map(({ text }) => text).join());
      const index = addresses.index === undefined ? '' : ` at ${addresses.index}`;
      return `${subnet.name} ${entries.join(';')}${index}`;
    }),
    ...(mac.kind === 'fixed' ? { mac: mac.mac } : { mac: mac.kind }),
    ...(family === undefined ? {} : { family }),
  };
}
