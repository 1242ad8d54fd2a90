/**
 * What we keep of an IP object: the cluster's record of one NIC's addresses. Controllers write it;
 * the author of a pod cannot.
 */
import { parseAddress, parseMac } from '../../common/address.ts';
import { IP_RECORD_ANNOTATION } from '../../common/names.ts';

/** One IP object, as NICs are confirmed by it. */
export interface Ip {
  /** That of the NIC's logical switch port. */
  readonly name: string;
  /** The pod's name, or the KubeVirt VM's. */
  readonly podName: string;
  readonly namespace: string;
  /** Empty where the object does not say it. */
  readonly subnet: string;
  /** In canonical text; what is no address is left out. */
  readonly addresses: readonly string[];
  /** Undefined where the object says none, as for a NIC that another plugin makes. */
  readonly mac?: string;
  /** What our controller has noted that the NIC got, empty for none; undefined where there is no note. */
  readonly notedMac?: string;
  /** True for a NIC that belongs to a KubeVirt VM, whichever pod runs it. */
  readonly isVirtualMachine: boolean;
  /** True while its addresses are being released. */
  readonly deleting: boolean;
}

/** A raw IP as the API server sends it. Never throws for what a user can write. */
export function projectIp(raw: unknown): Ip {
  const { metadata, spec = {} } = raw as RawIp;
  const text = (name: string) => (typeof spec?.[name] === 'string' ? String(spec[name]) : '');
  const mac = parseMac(text('macAddress'));
  const notedMac = readNotedMac(metadata.annotations?.[IP_RECORD_ANNOTATION]);
  return {
    name: metadata.name,
    podName: text('podName'),
    namespace: text('namespace'),
    subnet: text('subnet'),
    addresses: addressesOf([text('ipAddress'), text('v4IpAddress'), text('v6IpAddress')]),
    ...(mac === undefined ? {} : { mac }),
    ...(notedMac === undefined ? {} : { notedMac }),
    isVirtualMachine: text('podType') === 'VirtualMachine',
    deleting: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
  };
}

interface RawIp {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string | null;
    readonly annotations?: Readonly<Record<string, unknown>> | null;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A note that cannot be read counts as none. */
function readNotedMac(note: unknown): string | undefined {
  if (typeof note !== 'string') return undefined;
  try {
    const { uid, mac } = JSON.parse(note) ?? {};
    return typeof uid === 'string' && typeof mac === 'string' ? mac : undefined;
  } catch {
    return undefined;
  }
}

/** `ipAddress` is `v4`, `v6` or `v4,v6`; the other two fields have one address each. */
function addressesOf(texts: readonly string[]): string[] {
  const parts = texts.flatMap((text) => text.split(','));
  const found = parts.flatMap((part) => parseAddress(part.trim())?.text ?? []);
  return [...new Set(found)];
}

/** Label that Kube-OVN's controllers, and our daemon, write the NIC's node into. */
export const IP_NODE_LABEL = 'ovn.kubernetes.io/node-name';
