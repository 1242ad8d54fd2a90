/**
 * Who really has what: read from the kernel, from OVS and OVN and from the API server, by nothing
 * of the programs' code. A pod has what its sandbox has when its ADDs have succeeded.
 */
import { readdir } from 'node:fs/promises';
import ipaddr from 'ipaddr.js';
import { command } from '../../../test/lab/command.ts';
import type { RunningPod } from '../../../test/lab/kubelet.ts';
import { evidenceOf } from './evidence.ts';
import { LAN, NETWORKS, type Network, RED } from './networks.ts';
import type { Population } from './population.ts';
import type { Stage } from './stage.ts';
import type { Crime, Verdict } from './verdict.ts';

/** Where the truth is read. */
type Sources = Pick<Stage, 'node' | 'api'>;

interface Finding {
  readonly crime: Crime;
  readonly what: string;
  /** Those of whom more is shown. */
  readonly pods?: readonly string[];
}

/**
 * Looks at everything, and enters what must not be. A look takes a while in which pods go on: what
 * is found must be found again.
 */
export async function inspect(
  stage: Stage,
  population: Population,
  verdict: Verdict,
): Promise<void> {
  if (!stage.candidates.areRunning) {
    verdict.add('programs_ended', stage.candidates.logTail.join('\n'));
  }
  const first = await findings(stage, population);
  if (first.length === 0) return;
  const again = new Set((await findings(stage, population)).map(({ what }) => what));
  for (const { crime, what, pods } of first) {
    if (!again.has(what) || !verdict.add(crime, what)) continue;
    for (const pod of pods ?? []) console.log(await evidenceOf(pod, stage));
  }
}

/** One look at everything. */
export async function findings(stage: Sources, population: Population): Promise<Finding[]> {
  const holdings = await holdingsOf(stage.node, population.running);
  return [
    ...doubles(holdings),
    ...outOfRange(holdings),
    ...recordsOf(stage),
    ...(await portFindings(stage, population)),
  ];
}

/** An address or a MAC that an interface in a sandbox has. */
interface Holding {
  readonly pod: string;
  readonly network: Network;
  /** Of an address in its shortest form; of a MAC in lower case. */
  readonly text: string;
}

/**
 * On the network of macvlan an interface has what its ADD was answered, whatever becomes of the
 * pod's other ones; on OVN's an ADD that is about to fail may have set an address that no logical
 * switch port lets through, so only pods that run count, and of these only those whose port OVN has: one
 * whose pod no longer asks for the network is unplugged, and nothing gets through its interface.
 */
async function holdingsOf(node: Sources['node'], pods: readonly RunningPod[]): Promise<Holding[]> {
  const sandboxes = (await readdir('/run/netns')).filter((name) => name.startsWith('cni-'));
  const connected = await connectedContainers(node);
  const running = pods
    .filter(({ sandbox }) => connected.has(sandbox.containerId))
    .map(({ sandbox }) => sandbox.netnsName);
  const holdings = [
    ...sandboxes.map((name) => holdingsIn(name, LAN)),
    ...running.map((name) => holdingsIn(name, RED)),
  ];
  return (await Promise.all(holdings)).flat();
}

/** Container ids of the sandboxes whose interface is a port that OVN has. */
async function connectedContainers(node: Sources['node']): Promise<ReadonlySet<string>> {
  const names = rowsOf(
    await node.nbctl('--format=json', '--columns=name', 'list', 'Logical_Switch_Port'),
  );
  const known = new Set(names.map(([name]) => String(name)));
  const ports = await pluggedPorts(node);
  const connected = ports.filter((ids) => known.has(ids['iface-id'] ?? ''));
  return new Set(connected.map((ids) => ids.container_id ?? ''));
}

/** external_ids of OVS's interfaces. */
async function pluggedPorts(node: Sources['node']) {
  const columns = ['--format=json', '--columns=external_ids'];
  const rows = rowsOf(await node.vsctl(...columns, 'list', 'Interface'));
  return rows.map(([externalIds]) => mapOf(externalIds));
}

async function holdingsIn(netnsName: string, network: Network): Promise<Holding[]> {
  const words = ['-n', netnsName, '-json', 'address', 'show'];
  // A pod may go meanwhile.
  const links = JSON.parse((await command('ip', words).catch(() => '')) || '[]') as Link[];
  const link = links.find(({ ifname }) => ifname === network.ifName);
  if (link === undefined) return [];
  const addresses = link.addr_info.filter(({ scope }) => scope === 'global');
  // An interface that its plugin has made is not up before it has addresses: its MAC is not used yet.
  const mac = link.flags.includes('UP') ? [link.address] : [];
  const texts = [...mac, ...addresses.map(({ local }) => ipaddr.parse(local).toString())];
  // A sandbox's name is made of its number and its pod's name, which no other pod has.
  const pod = netnsName.replace(/^cni-\d+-/, '');
  return texts.map((text) => ({ pod, network, text }));
}

interface Link {
  readonly ifname: string;
  readonly address: string;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly scope: string }[];
}

function doubles(holdings: readonly Holding[]): Finding[] {
  const holders = Map.groupBy(holdings, ({ network, text }) => `${text} of ${network.name}`);
  return [...holders].flatMap(([what, all]) => {
    const pods = [...new Set(all.map(({ pod }) => pod))].sort();
    return pods.length < 2
      ? []
      : [{ crime: 'double_addresses' as const, what: `${what}: ${pods.join(', ')}`, pods }];
  });
}

function outOfRange(holdings: readonly Holding[]): Finding[] {
  return holdings
    .filter(({ network, text }) => ipaddr.isValid(text) && !isForPods(network, text))
    .map(({ pod, network, text }) => ({
      crime: 'out_of_range',
      what: `${pod} has ${text} on ${network.name}`,
    }));
}

/** Within the Subnet, and no router's; of those that are excluded, a pod may ask for one. */
function isForPods({ cidrs, gateways }: Network, text: string): boolean {
  const address = ipaddr.parse(text);
  const isWithin = cidrs.some((cidr) => {
    const [base, bits] = ipaddr.parseCIDR(cidr);
    return base.kind() === address.kind() && address.match([base, bits] as never);
  });
  return isWithin && !gateways.includes(text);
}

/** IP objects, which are the record of who has what. */
function recordsOf({ api }: Sources): Finding[] {
  const records: Holding[] = api.list('IP').flatMap(({ metadata, spec = {} }) => {
    const network = NETWORKS.find(({ name }) => name === spec.subnet);
    const texts = [spec.v4IpAddress, spec.v6IpAddress, spec.macAddress].filter(Boolean);
    return network === undefined
      ? []
      : texts.map((text) => ({ pod: `IP ${metadata.name}`, network, text: String(text) }));
  });
  return [...doubles(records), ...outOfRange(records)];
}

/** Ports of OVS, and the logical switch ports that they are. */
async function portFindings({ node }: Sources, population: Population): Promise<Finding[]> {
  const ports = await pluggedPorts(node);
  const running = new Map(population.running.map(({ pod, sandbox }) => [sandbox.containerId, pod]));
  const plugged = ports.filter((ids) => running.has(ids.container_id ?? '') && ids['iface-id']);
  const found: Finding[] = [];
  for (const [ifaceId, holders] of Map.groupBy(plugged, (ids) => ids['iface-id'] ?? '')) {
    const pods = new Set(holders.map((ids) => running.get(ids.container_id ?? '')?.uid));
    if (pods.size > 1) found.push({ crime: 'usurped_ports', what: `${ifaceId} is plugged twice` });
  }
  for (const { running: honest, workload } of population.honest) {
    const ifaceId = `${workload}.default.${RED.provider}`;
    const own = plugged.find((ids) => ids.container_id === honest.sandbox.containerId);
    if (own?.['iface-id'] === ifaceId) continue;
    found.push({ crime: 'usurped_ports', what: `${honest.pod.name} is not plugged as ${ifaceId}` });
  }
  return [...found, ...(await doublePorts(node))];
}

/** Addresses that two logical switch ports have. */
async function doublePorts(node: Sources['node']): Promise<Finding[]> {
  const columns = '--columns=name,addresses';
  const text = await node.nbctl('--format=json', columns, 'list', 'Logical_Switch_Port');
  const owners = new Map<string, string>();
  const found: Finding[] = [];
  for (const [name, addresses] of rowsOf(text)) {
    if (typeof addresses !== 'string' || !String(name).endsWith(RED.provider)) continue;
    for (const part of addresses.split(' ')) {
      const other = owners.get(part);
      owners.set(part, String(name));
      if (other === undefined) continue;
      found.push({ crime: 'double_addresses', what: `ports ${other}, ${name}: ${part}` });
    }
  }
  return found;
}

function rowsOf(text: string): unknown[][] {
  return (JSON.parse(text) as { data: unknown[][] }).data;
}

/** A map of OVSDB: `["map",[[key, value], …]]`. */
function mapOf(value: unknown): Readonly<Record<string, string>> {
  const [, pairs] = value as ['map', [string, string][]];
  return Object.fromEntries(pairs);
}
