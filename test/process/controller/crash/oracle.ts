/**
 * What is wrong with the addresses of a cluster, as its objects say it. It knows nothing of the
 * controller's code: it goes by what Kube-OVN's documentation says of the objects.
 */
import ipaddr from 'ipaddr.js';
import type { FakeApiServer, KubernetesObject } from '../../../lab/kubernetes/api.ts';
import { keyOf } from '../../../lab/kubernetes/object.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const FINALIZER = 'kubeovn.io/kube-ovn-controller';

/** A NIC that a pod is to have. */
interface Nic {
  readonly pod: KubernetesObject;
  readonly provider: string;
  /** Name of its IP object. */
  readonly port: string;
}

/** First and last address, as numbers. */
type Range = readonly [bigint, bigint];

interface IpSpec {
  readonly podName: string;
  readonly namespace: string;
  readonly subnet: string;
  readonly ipAddress: string;
  readonly v4IpAddress: string;
  readonly v6IpAddress: string;
}

/** What is looked at of a server. */
type Reader = Pick<FakeApiServer, 'get' | 'list'>;

/** All that is wrong once a controller has nothing left to do; none of it where all is well. */
export function problemsOf(server: Reader): string[] {
  const api = readOnce(server);
  const nics = api
    .list('Pod')
    .filter(isAlive)
    .flatMap((pod) => nicsOf(api, pod));
  return [
    ...nics.flatMap((nic) => nicProblems(api, nic)),
    ...api.list('IP').flatMap((ip) => ownerProblems(api, ip, nics)),
    ...sharedAddresses(api.list('IP')),
    ...api.list('Subnet').flatMap((subnet) => subnetProblems(api, subnet)),
    ...api.list('IPPool').flatMap((pool) => poolProblems(api, pool)),
  ];
}

/**
 * What is wrong with IP objects that users made.
 * @param reservations addresses by name, empty for any
 */
export function reservationProblems(
  api: Reader,
  reservations: ReadonlyMap<string, string>,
): string[] {
  const ips = new Map(api.list('IP').map((ip) => [ip.metadata.name, ip]));
  return [...reservations].flatMap(([name, address]) => {
    const ip = ips.get(name);
    const said = ip === undefined ? '' : specOf(ip).ipAddress;
    const isReserved = ip?.metadata.labels?.['ovn.kubernetes.io/ip_reserved'] === 'true';
    const isKept = isReserved && said !== '' && (address === '' || said === address);
    return isKept ? [] : [`IP ${name} is to reserve ${address || 'any'}, and has "${said}"`];
  });
}

/** What is written on a pod under a provider. */
export function written({ metadata }: KubernetesObject, provider: string, name: string): string {
  return metadata.annotations?.[`${provider}.kubernetes.io/${name}`] ?? '';
}

/** True as long as a pod needs its addresses. */
export function isAlive({ metadata, status = {} }: KubernetesObject): boolean {
  return metadata.deletionTimestamp === undefined && status.phase !== 'Succeeded';
}

/** The NICs that a pod's networks are, by both forms of the annotation. */
export function nicsOf(api: Reader, pod: KubernetesObject): Nic[] {
  const text = pod.metadata.annotations?.[NETWORKS] ?? '';
  if (text === '') return [];
  const { name, namespace } = pod.metadata;
  const elements: { name: string; interface?: string }[] = text.startsWith('[')
    ? JSON.parse(text)
    : text.split(',').map((part) => ({ name: part.trim().split('/').at(-1) ?? '' }));
  return elements.map((element) => {
    const isTwin = elements.filter((other) => other.name === element.name).length > 1;
    const nad = api.get('NetworkAttachmentDefinition', `default/${element.name}`);
    const { type } = JSON.parse(String(nad.spec?.config)) as { type: string };
    const network = `${element.name}.default${type === 'kube-ovn' ? '.ovn' : ''}`;
    const provider = isTwin ? `${network}.${element.interface}` : network;
    return { pod, provider, port: `${name}.${namespace}.${provider}` };
  });
}

function nicProblems(api: Reader, { pod, provider, port }: Nic): string[] {
  const key = keyOf(pod.metadata);
  const of = `pod ${key}, ${provider}`;
  if (written(pod, provider, 'allocated') !== 'true') return [`${of}: not allocated`];
  const address = written(pod, provider, 'ip_address');
  const ip = api.list('IP').find(({ metadata }) => metadata.name === port);
  if (ip === undefined) return [`${of}: has ${address} and no IP object`];
  const spec = specOf(ip);
  const said = `${spec.namespace}/${spec.podName} ${spec.ipAddress}`;
  const parts = [spec.v4IpAddress, spec.v6IpAddress].filter((part) => part !== '').join(',');
  const subnet = api.list('Subnet').find(({ metadata }) => metadata.name === spec.subnet);
  return [
    ...(said === `${key} ${address}` ? [] : [`${of}: has ${address}, its IP object says ${said}`]),
    ...(parts === address ? [] : [`${of}: has ${address}, its IP object's parts are ${parts}`]),
    ...(subnet === undefined ? [`${of}: its Subnet ${spec.subnet} does not exist`] : []),
    ...(ip.metadata.finalizers?.includes(FINALIZER) ? [] : [`${of}: its IP has no finalizer`]),
    ...(ip.metadata.deletionTimestamp === undefined ? [] : [`${of}: its IP is being deleted`]),
  ];
}

/** An IP object is for a pod that lives, one that comes back, or a user. */
function ownerProblems(api: Reader, ip: KubernetesObject, nics: readonly Nic[]) {
  const { name, labels = {} } = ip.metadata;
  const { podName, namespace } = specOf(ip);
  if (labels['ovn.kubernetes.io/ip_reserved'] === 'true') return [];
  if (nics.some(({ port }) => port === name) || isPublished(api, ip)) return [];
  const [, set, index] = /^(.*)-(\d+)$/.exec(podName) ?? [];
  const found = api.list('StatefulSet').find(({ metadata }) => {
    return keyOf(metadata) === `${namespace}/${set}`;
  });
  const comesBack = found !== undefined && Number(index) < Number(found.spec?.replicas);
  return comesBack ? [] : [`IP ${name} (${specOf(ip).ipAddress}) is nobody's`];
}

/** True for a NIC that its pod no longer asks for: another plugin's stays in the pod until its end. */
function isPublished(api: Reader, ip: KubernetesObject): boolean {
  const { podName, namespace, ipAddress } = specOf(ip);
  const provider = ip.metadata.name.slice(`${podName}.${namespace}.`.length);
  const pod = api.list('Pod').find(({ metadata }) => keyOf(metadata) === `${namespace}/${podName}`);
  return pod !== undefined && isAlive(pod) && written(pod, provider, 'ip_address') === ipAddress;
}

function sharedAddresses(ips: readonly KubernetesObject[]): string[] {
  const names = new Map<string, string>();
  return ips.flatMap((ip) => {
    const { subnet, v4IpAddress, v6IpAddress } = specOf(ip);
    return [v4IpAddress, v6IpAddress].flatMap((address) => {
      const key = `${subnet} ${address}`;
      const other = names.get(key);
      names.set(key, ip.metadata.name);
      const isShared = address !== '' && other !== undefined;
      return isShared ? [`${key} is that of IP ${other} and of IP ${ip.metadata.name}`] : [];
    });
  });
}

function subnetProblems(api: Reader, subnet: KubernetesObject): string[] {
  const { name, deletionTimestamp } = subnet.metadata;
  const { cidrBlock = '', excludeIps = [] } = subnet.spec as {
    cidrBlock?: string;
    excludeIps?: string[];
  };
  if (deletionTimestamp !== undefined) return [`Subnet ${name} is still being deleted`];
  const excludes = excludeIps.map(rangeOf);
  const isExcluded = (number: bigint) => excludes.some((range) => inside([number, number], range));
  const held = addressesOf(api, name);
  // An address that is excluded counts neither as used nor as available.
  const using = held.filter((ip) => !ip.some(isExcluded));
  return cidrBlock.split(',').flatMap((cidr) => {
    const usable = usableOf(cidr);
    const free = minus([usable], excludes);
    const numbers = using.flat().filter((number) => inside([number, number], usable));
    const version = cidr.includes(':') ? 'v6' : 'v4';
    return statusProblems(`Subnet ${name}`, subnet.status, {
      [`${version}usingIPs`]: using.length,
      [`${version}availableIPs`]: Number(sizeOf(free)) - using.length,
      [`${version}usingIPrange`]: ranges(numbers),
      [`${version}availableIPrange`]: minus(free, ranges(numbers)),
    });
  });
}

function poolProblems(api: Reader, pool: KubernetesObject): string[] {
  const { subnet, ips } = pool.spec as { subnet: string; ips: string[] };
  const own = ips.map(rangeOf);
  const held = addressesOf(api, subnet).flat();
  const used = held.filter((number) => own.some((range) => inside([number, number], range)));
  return statusProblems(`IPPool ${pool.metadata.name}`, pool.status, {
    v4UsingIPs: used.length,
    v4AvailableIPs: Number(sizeOf(minus(own, ranges(used)))),
    v4UsingIPRange: ranges(used),
    v4AvailableIPRange: minus(own, ranges(used)),
  });
}

function statusProblems(
  of: string,
  status: Readonly<Record<string, unknown>> = {},
  wanted: Readonly<Record<string, number | readonly Range[]>>,
): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    const said = status[name];
    const known = typeof value === 'number' ? said : readRanges(String(said ?? ''));
    const [one, other] = [known, value].map((each) => show(each));
    return one === other ? [] : [`${of}: ${name} is ${one}, and not ${other}`];
  });
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? each.toString() : each));
}

function specOf({ spec = {} }: KubernetesObject): IpSpec {
  const text = (name: string) => String(spec[name] ?? '');
  return {
    podName: text('podName'),
    namespace: text('namespace'),
    subnet: text('subnet'),
    ipAddress: text('ipAddress'),
    v4IpAddress: text('v4IpAddress'),
    v6IpAddress: text('v6IpAddress'),
  };
}

/** What each IP object of a Subnet has. */
function addressesOf(api: Reader, subnet: string): bigint[][] {
  const specs = api
    .list('IP')
    .map(specOf)
    .filter((spec) => spec.subnet === subnet);
  return specs.map(({ v4IpAddress, v6IpAddress }) => {
    return [v4IpAddress, v6IpAddress].filter((text) => text !== '').map(numberOf);
  });
}

/**
 * The server as it is now: each kind is copied once, and not for each object that it is looked up for.
 * Whoever waits looks at each change, and the server answers nobody meanwhile.
 */
function readOnce(server: Reader): Reader {
  const lists = new Map<string, KubernetesObject[]>();
  const list = (kind: string) => {
    const known = lists.get(kind) ?? server.list(kind);
    lists.set(kind, known);
    return known;
  };
  return { list, get: (kind, key) => server.get(kind, key) };
}

/** A v6 address is far above all v4 ones here. */
function numberOf(text: string): bigint {
  const hex = ipaddr
    .parse(text)
    .toByteArray()
    .map((byte) => byte.toString(16).padStart(2, '0'));
  return BigInt(`0x${hex.join('')}`);
}

/** Without its first and last address. */
function usableOf(cidr: string): Range {
  const [address = '', length] = cidr.split('/');
  const bits = address.includes(':') ? 128 : 32;
  const first = numberOf(address);
  return [first + 1n, first + 2n ** BigInt(bits - Number(length)) - 2n];
}

/** `a` or `a..b`, and as a status has it, `a-b`. */
function rangeOf(text: string): Range {
  const [first = '', last = first] = text.split(/\.\.|-/);
  return [numberOf(first), numberOf(last)];
}

function readRanges(text: string): Range[] {
  return text === '' ? [] : text.split(',').map(rangeOf);
}

function inside([first, last]: Range, [from, to]: Range): boolean {
  return from <= first && last <= to;
}

function sizeOf(all: readonly Range[]): bigint {
  return all.reduce((sum, [first, last]) => sum + last - first + 1n, 0n);
}

/** Numbers as ranges, in order. */
function ranges(numbers: readonly bigint[]): Range[] {
  const sorted = [...new Set(numbers)].sort((one, other) => (one < other ? -1 : 1));
  const all: [bigint, bigint][] = [];
  for (const number of sorted) {
    const last = all.at(-1);
    if (last !== undefined && last[1] + 1n === number) last[1] = number;
    else all.push([number, number]);
  }
  return all;
}

function minus(all: readonly Range[], taken: readonly Range[]): Range[] {
  return taken.reduce<Range[]>(
    (left, [from, to]) =>
      left.flatMap(([first, last]): Range[] => {
        if (to < first || last < from) return [[first, last]];
        return [
          ...(first < from ? [[first, from - 1n] as const] : []),
          ...(to < last ? [[to + 1n, last] as const] : []),
        ];
      }),
    [...all],
  );
}
