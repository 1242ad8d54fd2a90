/**
 * Live copies of everything in the API server that the controller goes by.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { createContact } from '../common/kubernetes/watch-cache.ts';
import type { Logger } from '../common/log.ts';
import type { MachineInstance } from '../common/virtual-machine.ts';
import { Collection } from './collection.ts';
import { type IpObject, projectIp } from './objects/ip.ts';
import { type IpPoolObject, projectIpPool } from './objects/ippool.ts';
import type { Meta } from './objects/meta.ts';
import { type Nad, projectNad } from './objects/nad.ts';
import { type Namespace, projectNamespace } from './objects/namespace.ts';
import { type Node, projectNode } from './objects/node.ts';
import { type Pod, projectPod } from './objects/pod.ts';
import { projectSecurityGroup, type SecurityGroupObject } from './objects/security-group.ts';
import type { ClusterSettings } from './objects/settings.ts';
import { projectStatefulSet, type StatefulSet } from './objects/stateful-set.ts';
import { projectSubnet, type SubnetObject } from './objects/subnet.ts';
import {
  projectMachineInstance,
  projectVirtualMachine,
  type VirtualMachine,
} from './objects/virtual-machine.ts';
import { projectVlan, type VlanObject } from './objects/vlan.ts';
import { projectVpc, type VpcObject } from './objects/vpc.ts';

export interface Cluster {
  readonly pods: Collection<Pod>;
  readonly subnets: Collection<SubnetObject>;
  readonly vpcs: Collection<VpcObject>;
  readonly vlans: Collection<VlanObject>;
  readonly ipPools: Collection<IpPoolObject>;
  readonly ips: Collection<IpObject>;
  readonly securityGroups: Collection<SecurityGroupObject>;
  readonly nodes: Collection<Node>;
  readonly namespaces: Collection<Namespace>;
  readonly statefulSets: Collection<StatefulSet>;
  /** Of Multus, which may be installed later: see `synced`. */
  readonly nads: Collection<Nad>;
  /** Of KubeVirt, as long as it is not installed without any: see `synced`. */
  readonly virtualMachines: Collection<VirtualMachine>;
  /** Likewise. */
  readonly machineInstances: Collection<MachineInstance>;
  start(): void;
  stop(): void;
  /** Resolves when all is there but for what a cluster without Multus or KubeVirt does not have. */
  readonly synced: Promise<unknown>;
}

export interface ClusterOptions {
  readonly config: KubeConfig;
  readonly settings: ClusterSettings;
  readonly log: Logger;
}

/** Nothing of it may be older than the leadership: who has which address is read off it. */
export function createCluster({ config, settings, log }: ClusterOptions): Cluster {
  const contact = createContact(log);
  const collection = <T>(
    path: string,
    project: (raw: unknown) => T,
    versionOf: (value: T) => string = () => '',
  ) => new Collection<T>({ config, path, project, versionOf, log, contact, isFresh: true });
  const ours = <T extends { readonly meta: Meta }>(plural: string, project: (raw: unknown) => T) =>
    collection(`/apis/kubeovn.io/v1/${plural}`, project, ({ meta }) => meta.resourceVersion);
  const pods = collection('/api/v1/pods', projectPod, (pod) => pod.resourceVersion);
  const nads = collection('/apis/k8s.cni.cncf.io/v1/network-attachment-definitions', projectNad);
  const needed = {
    pods,
    subnets: ours('subnets', (raw) => projectSubnet(raw, settings)),
    vpcs: ours('vpcs', (raw) => projectVpc(raw, settings.defaultVpc)),
    vlans: ours('vlans', projectVlan),
    ipPools: ours('ippools', projectIpPool),
    ips: ours('ips', projectIp),
    securityGroups: ours('security-groups', projectSecurityGroup),
    nodes: collection('/api/v1/nodes', projectNode),
    namespaces: collection('/api/v1/namespaces', projectNamespace),
    statefulSets: collection('/apis/apps/v1/statefulsets', projectStatefulSet),
  };
  const virtualMachines = collection('/apis/kubevirt.io/v1/virtualmachines', projectVirtualMachine);
  const instancesPath = '/apis/kubevirt.io/v1/virtualmachineinstances';
  const machineInstances = collection(instancesPath, projectMachineInstance);
  const optional = { nads, virtualMachines, machineInstances };
  const all = [...Object.values(needed), ...Object.values(optional)];
  return {
    ...needed,
    ...optional,
    start: () => {
      for (const each of all) each.start();
    },
    stop: () => {
      for (const each of all) each.stop();
    },
    synced: Promise.all(Object.values(needed).map(({ synced }) => synced)),
  };
}
