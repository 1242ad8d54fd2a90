/**
 * IP: the cluster's record of one NIC's addresses, and a user's way to reserve them. Pure.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Address } from '../../../../common/address.ts';
import { parseAddress, parseMac } from '../../../../common/address.ts';
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { logicalSwitchPort } from '../../../../common/names.ts';
import { changedFields } from '../../../model/changes.ts';
import { FINALIZER, type MergePatch, type Meta, projectMeta } from '../../../model/meta.ts';
import { type Checked, say, wrong } from '../../../model/problem.ts';
import { type AllocatedNic, addressesText } from '../../pod/object/allocated-nic.ts';
import type { Subnet } from '../../subnet/object/subnet.ts';
import { type IpRecord, isSameRecord, readRecord, recordAnnotation } from './ip-record.ts';

/** What is kept of an IP object. */
export interface IpObject {
  readonly meta: Meta;
  readonly labels: ReadonlyMap<string, string>;
  readonly spec: IpSpec;
  /** The addresses that it says, IPv4 first; what is no address is left out. */
  readonly addresses: readonly Address[];
  /** Ours; see ip-record.ts. */
  readonly record?: IpRecord;
}

/** Everything that we write; texts as they are in the object. */
export interface IpSpec {
  readonly podName: string;
  readonly namespace: string;
  readonly subnet: string;
  readonly nodeName: string;
  /** `v4`, `v6` or `v4,v6`. */
  readonly ipAddress: string;
  readonly v4IpAddress: string;
  readonly v6IpAddress: string;
  /** Empty for an `ipam` NIC. */
  readonly macAddress: string;
  /** Empty, `StatefulSet` or `VirtualMachine`. */
  readonly podType: string;
}

/** Whose the addresses are. */
export interface IpHolder {
  /** The pod's name, or its VM's. */
  readonly workload: string;
  readonly namespace: string;
  /** Empty as long as no node was chosen. */
  readonly nodeName: string;
  readonly podType: '' | 'StatefulSet' | 'VirtualMachine';
  /** See IpRecord; undefined for a reservation, which is for whoever comes. */
  readonly uid?: string;
}

/** What a user wants to be reserved for a NIC that is to come. */
export interface Reservation {
  readonly port: string;
  readonly holder: IpHolder;
  readonly subnet: Subnet;
  /** None: any free ones. */
  readonly addresses: readonly Address[];
  readonly mac?: string;
}

const SUBNET_LABEL = 'ovn.kubernetes.io/subnet';
const NODE_LABEL = 'ovn.kubernetes.io/node-name';
const RESERVED_LABEL = 'ovn.kubernetes.io/ip_reserved';
/** Kubernetes' limit for the values of labels and the names in their keys. */
const LABEL_LENGTH_MAX = 63;
const POD_TYPES = ['', 'StatefulSet', 'VirtualMachine'] as const;

/** A raw IP as the API server sends it. Never throws for what a user can write. */
export function projectIp(raw: unknown): IpObject {
  const object = rawFields(raw);
  const said = readQuietly(object.spec);
  const text = (name: keyof IpSpec) => said.text(name);
  const spec: IpSpec = {
    podName: text('podName'),
    namespace: text('namespace'),
    subnet: text('subnet'),
    nodeName: text('nodeName'),
    ipAddress: text('ipAddress'),
    v4IpAddress: text('v4IpAddress'),
    v6IpAddress: text('v6IpAddress'),
    macAddress: text('macAddress'),
    podType: text('podType'),
  };
  const record = readRecord(object.metadata);
  return {
    meta: projectMeta(raw),
    labels: readQuietly(object.metadata).textMap('labels'),
    spec,
    addresses: addressesOf(spec),
    ...(record === undefined ? {} : { record }),
  };
}

/** True where the addresses stay with the NIC's name when its pod goes. */
export function isReserved({ labels }: IpObject): boolean {
  return labels.get(RESERVED_LABEL) === 'true';
}

/** True where it says something for somebody else, or is kept no longer for who may come. */
export function saysForOthers(ip: IpObject, previous: IpObject): boolean {
  if (isReserved(previous) && !isReserved(ip)) return true;
  return !isDeepStrictEqual(ip.spec, previous.spec);
}

/** True for what a user made and nobody has worked on yet: we put our finalizer on every IP. */
export function isNew({ meta }: IpObject): boolean {
  return !meta.deleting && meta.finalizers.length === 0;
}

/**
 * True for a user's IP object that is about to become a reservation: nothing is wrong with it.
 * @param subnet see `readReservation`
 */
export function isReservationRequest(ip: IpObject, subnet: Subnet | undefined): boolean {
  if (!isNew(ip)) return false;
  const read = readReservation(ip, subnet);
  return read !== undefined && 'value' in read;
}

/** True where none of `wanted` is missing. */
export function hasAll(had: readonly Address[], wanted: readonly Address[]): boolean {
  return wanted.every(({ text }) => had.some((one) => one.text === text));
}

/** The IP object of a NIC that has none yet, as it is to be created. */
export function newIp(nic: AllocatedNic, holder: IpHolder): object {
  const record = recordOf(nic, holder);
  return {
    apiVersion: 'kubeovn.io/v1',
    kind: 'IP',
    metadata: {
      name: nic.port,
      labels: { ...labelsOf(nic.subnet.name, holder.nodeName), [RESERVED_LABEL]: 'false' },
      ...(record && { annotations: recordAnnotation(record) }),
      finalizers: [FINALIZER],
    },
    spec: {
      ...specOf(nic, holder),
      attachIps: [],
      attachMacs: [],
      attachSubnets: [],
      containerID: '',
    },
  };
}

/**
 * The patch that makes an IP object say this, or undefined where it does. A node that the object
 * knows and the holder does not stays: the node's daemon may have written it first.
 * @param isOld true where the NIC was published to the pod before: Kube-OVN's controller may have made the
 *   object, and that ours would have noted more in it is no reason to write it
 */
export function ipPatch(
  ip: IpObject,
  nic: AllocatedNic,
  holder: IpHolder,
  isOld = false,
): MergePatch | undefined {
  const nodeName = holder.nodeName || ip.spec.nodeName;
  const spec = changedFields({ ...ip.spec }, { ...specOf(nic, { ...holder, nodeName }) });
  const before = ip.spec.subnet;
  const labels = changedFields(Object.fromEntries(ip.labels), {
    ...(before === '' || before === nic.subnet.name ? {} : { [before]: null }),
    ...labelsOf(nic.subnet.name, nodeName),
  });
  const { resourceVersion, finalizers } = ip.meta;
  const isHeld = finalizers.includes(FINALIZER);
  const record = recordOf(nic, holder);
  const isNoted = record === undefined || isSameRecord(record, ip.record);
  const affectsNics = !isNoted && !(isOld && ip.record === undefined);
  if (!spec && !labels && isHeld && !affectsNics) return undefined;
  // The list of finalizers is replaced as a whole: the version guards it.
  const held = isHeld ? {} : { resourceVersion, finalizers: [...finalizers, FINALIZER] };
  const annotations = isNoted ? undefined : recordAnnotation(record);
  const metadata = { ...(labels && { labels }), ...(annotations && { annotations }), ...held };
  return {
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(spec && { spec }),
  };
}

/** The patch that turns a user's request into the reservation that it asked for. */
export function reservationPatch(ip: IpObject, nic: AllocatedNic, holder: IpHolder): MergePatch {
  const patch = ipPatch(ip, nic, holder) ?? {};
  const metadata = rawFields(patch.metadata);
  const labels = { ...rawFields(metadata.labels), [RESERVED_LABEL]: 'true' };
  return { ...patch, metadata: { ...metadata, labels } };
}

/**
 * What a user's IP object asks for. Undefined where its name is not that of a NIC on its Subnet:
 * it is another's, like that of a node.
 *
 * @param subnet the Subnet that it names, where there is one and nothing is wrong with it
 */
export function readReservation(
  { meta, spec, addresses }: IpObject,
  subnet: Subnet | undefined,
): Checked<Reservation> | undefined {
  if (spec.subnet === '') return wrong('subnet parameter cannot be empty', 'set spec.subnet');
  if (subnet === undefined) {
    const advice = 'name a Subnet that exists and is valid';
    return wrong(say`failed to get subnet ${spec.subnet}`, advice);
  }
  const { podName: workload, namespace, nodeName } = spec;
  const port = logicalSwitchPort({ workload, namespace, provider: subnet.provider });
  if (port !== meta.name) return undefined;
  const podType = POD_TYPES.find((known) => known === spec.podType);
  if (podType === undefined) {
    const advice = 'set podType to "StatefulSet" or "VirtualMachine", or remove it';
    return wrong(say`podType ${spec.podType} is not supported`, advice);
  }
  const wanted = [spec.v4IpAddress, spec.v6IpAddress].filter((text) => text !== '');
  if (addresses.length !== wanted.length) {
    const advice = 'set v4IpAddress and v6IpAddress to addresses without a mask, or to nothing';
    return wrong(say`failed to parse IP ${wanted.join(',')}`, advice);
  }
  const mac = spec.macAddress === '' ? undefined : parseMac(spec.macAddress);
  if (spec.macAddress !== '' && mac === undefined) {
    const advice = 'write a unicast MAC address, like 00:00:00:53:6b:b6';
    return wrong(say`${spec.macAddress} is not a valid macAddress`, advice);
  }
  const holder = { workload, namespace, nodeName, podType };
  return { value: { port, holder, subnet, addresses, ...(mac === undefined ? {} : { mac }) } };
}

function recordOf({ addresses, mac = '' }: AllocatedNic, { uid }: IpHolder): IpRecord | undefined {
  return uid === undefined ? undefined : { uid, addresses: addressesText(addresses), mac };
}

function specOf(nic: AllocatedNic, holder: IpHolder): IpSpec {
  const textOf = (family: string) =>
    nic.addresses.find((address) => address.family === family)?.text ?? '';
  return {
    podName: holder.workload,
    namespace: holder.namespace,
    subnet: nic.subnet.name,
    nodeName: holder.nodeName,
    ipAddress: addressesText(nic.addresses),
    v4IpAddress: textOf('IPv4'),
    v6IpAddress: textOf('IPv6'),
    // Another plugin gives the interface its MAC.
    macAddress: nic.kind === 'ovn' ? (nic.mac ?? '') : '',
    podType: holder.podType,
  };
}

/** A longer name than a label can have is left out: the fields say it, too. */
function labelsOf(subnet: string, node: string): Record<string, string> {
  return {
    ...(subnet.length > LABEL_LENGTH_MAX ? {} : { [SUBNET_LABEL]: subnet, [subnet]: '' }),
    ...(node.length > LABEL_LENGTH_MAX ? {} : { [NODE_LABEL]: node }),
  };
}

function addressesOf({ v4IpAddress, v6IpAddress }: IpSpec): readonly Address[] {
  const [v4, v6] = [v4IpAddress, v6IpAddress].map(parseAddress);
  return [...(v4?.family === 'IPv4' ? [v4] : []), ...(v6?.family === 'IPv6' ? [v6] : [])];
}
