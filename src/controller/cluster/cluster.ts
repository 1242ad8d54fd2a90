/**
 * Informer caches of everything in the API server that the controller goes by.
 */

import type { KubeConfig } from '@kubernetes/client-node';
import type { RequestObserver } from '../../common/kubernetes/request-observer.ts';
import { createContact, type WatchLimits } from '../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../common/log.ts';
import type { Followed } from '../../common/metrics/watch-metrics.ts';
import type { MachineInstance } from '../../common/virtual-machine.ts';
import { type IpObject, projectIp } from '../kinds/ip/object/ip.ts';
import { type IpPoolObject, projectIpPool } from '../kinds/ippool/object/ippool.ts';
import { type Nad, projectNad } from '../kinds/nad/object/nad.ts';
import { type Namespace, projectNamespace } from '../kinds/namespace/object/namespace.ts';
import { type Node, projectNode } from '../kinds/node/object/node.ts';
import { type Pod, projectPod } from '../kinds/pod/object/pod.ts';
import {
  type ProviderNetworkObject,
  projectProviderNetwork,
} from '../kinds/provider-network/object/provider-network.ts';
import {
  projectSecurityGroup,
  type SecurityGroupObject,
} from '../kinds/security-group/object/security-group.ts';
import { projectStatefulSet, type StatefulSet } from '../kinds/stateful-set/object/stateful-set.ts';
import { projectSubnet } from '../kinds/subnet/object/project-subnet.ts';
import type { SubnetObject } from '../kinds/subnet/object/subnet.ts';
import {
  projectMachineInstance,
  projectVirtualMachine,
  type VirtualMachine,
} from '../kinds/virtual-machine/object/virtual-machine.ts';
import { projectVlan, type VlanObject } from '../kinds/vlan/object/vlan.ts';
import { projectVpc, type VpcObject } from '../kinds/vpc/object/vpc.ts';
import { lackOf, unlisted, unwatched } from '../model/lack.ts';
import type { Meta } from '../model/meta.ts';
import type { Problem } from '../model/problem.ts';
import type { ClusterSettings } from '../model/settings.ts';
import { Collection, type Objects } from './collection.ts';

/** All collections that the controller follows, and what is known of them. */
export interface Cluster {
  readonly pods: Objects<Pod>;
  readonly subnets: Objects<SubnetObject>;
  readonly vpcs: Objects<VpcObject>;
  readonly vlans: Objects<VlanObject>;
  readonly providerNetworks: Objects<ProviderNetworkObject>;
  readonly ipPools: Objects<IpPoolObject>;
  readonly ips: Objects<IpObject>;
  readonly securityGroups: Objects<SecurityGroupObject>;
  readonly nodes: Objects<Node>;
  readonly namespaces: Objects<Namespace>;
  readonly statefulSets: Objects<StatefulSet>;
  /** Of Multus, which may be installed later. */
  readonly nads: Objects<Nad>;
  /** Of KubeVirt, which a cluster may be without. */
  readonly virtualMachines: Objects<VirtualMachine>;
  /** Likewise. */
  readonly machineInstances: Objects<MachineInstance>;
  start(): void;
  stop(): void;
  /**
   * Resolves when all is there without which nothing can be done right, and all else is there, too, or
   * is known not to come: its kind does not exist in this cluster, may not be read, or cannot be listed
   * by a server that lists the others.
   */
  readonly synced: Promise<unknown>;
  /** All collections. */
  readonly all: readonly Followed[];
  /** What this cluster lacks, for each kind that is not followed; it may well be without KubeVirt. */
  lacks(): readonly Problem[];
  /**
   * Calls `listener` when a kind without which much can be done can be followed that could not be, or
   * cannot any more.
   * @returns ends the subscription
   */
  onAvailability(listener: () => void): () => void;
}

/** By which API server the collections are followed, and by which settings their objects are read. */
export interface ClusterOptions {
  readonly config: KubeConfig;
  readonly settings: ClusterSettings;
  readonly log: Logger;
  readonly limits?: Partial<WatchLimits>;
  /** Called for each request. */
  readonly observe?: RequestObserver | undefined;
}

/** Where the objects of a kind are, and what is kept of each. */
interface Source<T> {
  readonly path: string;
  readonly project: (raw: unknown) => T;
  /** See Collection. */
  readonly versionOf: (value: T) => string;
  /** See WatchCacheOptions. */
  readonly goesUnwatched?: boolean;
  readonly limits?: Partial<WatchLimits>;
}

/**
 * Most clusters are without KubeVirt, and it takes minutes to install it: whether it is there is asked for
 * no more often than this. The role of Kube-OVN's charts (v1.17) lets us watch no
 * CustomResourceDefinitions, by which we would be told; ms.
 */
const KUBEVIRT_MISSING_MAX_MS = 120_000;

/** Of each kind that is followed. */
export function sourcesOf(settings: ClusterSettings) {
  const source = <T>(
    path: string,
    project: (raw: unknown) => T,
    versionOf: (value: T) => string = () => '',
  ): Source<T> => ({ path, project, versionOf });
  const ours = <T extends { readonly meta: Meta }>(plural: string, project: (raw: unknown) => T) =>
    source(`/apis/kubeovn.io/v1/${plural}`, project, ({ meta }) => meta.resourceVersion);
  const kubevirts = <T>(plural: string, project: (raw: unknown) => T): Source<T> => ({
    ...source(`/apis/kubevirt.io/v1/${plural}`, project),
    limits: { missingMaxMs: KUBEVIRT_MISSING_MAX_MS },
  });
  return {
    pods: source('/api/v1/pods', projectPod, (pod) => pod.resourceVersion),
    subnets: ours('subnets', (raw) => projectSubnet(raw, settings)),
    ips: ours('ips', projectIp),
    nodes: source('/api/v1/nodes', projectNode),
    namespaces: source('/api/v1/namespaces', projectNamespace),
    vpcs: ours('vpcs', (raw) => projectVpc(raw, settings.defaultVpc)),
    vlans: ours('vlans', (raw) => projectVlan(raw, settings)),
    providerNetworks: ours('provider-networks', projectProviderNetwork),
    ipPools: ours('ippools', projectIpPool),
    securityGroups: ours('security-groups', projectSecurityGroup),
    statefulSets: {
      ...source('/apis/apps/v1/statefulsets', projectStatefulSet),
      // The role of Kube-OVN's charts lacks watch (v1.17).
      goesUnwatched: true,
    },
    nads: source('/apis/k8s.cni.cncf.io/v1/network-attachment-definitions', projectNad),
    virtualMachines: kubevirts('virtualmachines', projectVirtualMachine),
    machineInstances: kubevirts('virtualmachineinstances', projectMachineInstance),
  };
}

/** Nothing of it may be older than the leadership: who has which address is read off it. */
export function createCluster(options: ClusterOptions): Cluster {
  const { config, settings, log, limits = {}, observe } = options;
  const contact = createContact(log);
  const common = { config, log, contact, isFresh: true, limits, ...(observe && { observe }) };
  const collection = <T>(source: Source<T>) =>
    new Collection<T>({
      ...common,
      ...source,
      limits: { ...source.limits, ...limits },
      isServerUp: () => isServerUp(),
    });
  const sources = sourcesOf(settings);
  // Without one of these, addresses in use would not be known, or whose they are.
  const needed = {
    pods: collection(sources.pods),
    subnets: collection(sources.subnets),
    ips: collection(sources.ips),
    nodes: collection(sources.nodes),
    namespaces: collection(sources.namespaces),
  };
  /** Every list of these has been answered: a kind that fails meanwhile fails for a reason of its own. */
  const isServerUp = (): boolean => Object.values(needed).every(({ isSynced }) => isSynced);
  const optional = {
    vpcs: collection(sources.vpcs),
    vlans: collection(sources.vlans),
    providerNetworks: collection(sources.providerNetworks),
    ipPools: collection(sources.ipPools),
    securityGroups: collection(sources.securityGroups),
    statefulSets: collection(sources.statefulSets),
    nads: collection(sources.nads),
    virtualMachines: collection(sources.virtualMachines),
    machineInstances: collection(sources.machineInstances),
  };
  const all = [...Object.values(needed), ...Object.values(optional)];
  return {
    ...needed,
    ...optional,
    all,
    start: () => {
      for (const each of all) each.start();
    },
    stop: () => {
      for (const each of all) each.stop();
    },
    synced: Promise.all([
      ...Object.values(needed).map(({ synced }) => synced),
      ...Object.values(optional).map(({ settled }) => settled),
    ]),
    lacks: () =>
      all.flatMap(({ availability, isWatched, path }) => {
        const isWithout = availability.state === 'missing' && path.startsWith('/apis/kubevirt.io/');
        if (isWithout) return [];
        if (isServerUp() && availability.state === 'pending') return unlisted(path);
        if (!isWatched) return unwatched(path);
        return lackOf(availability) ?? [];
      }),
    onAvailability: (listener) => {
      const ends = Object.values(optional).map((each) => each.onAvailability(listener));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}
