/** What GC, the clean-up and the order of sandboxes are tested with: NICs with limits, and traces. */
import { expect } from 'vitest';
import { command } from '../lab/command.ts';
import type { OvnNode } from '../lab/ovn-node.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { type Fixture, ovnConfig } from './fixture.ts';
import { hostName, mustAdd, type OvsRow, rowsOf } from './observe.ts';

export type MadePod = Awaited<ReturnType<Fixture['pod']>>;

/** Of both directions, so that a port has rows of every kind. */
export const LIMITS = { ingress_rate: '10', egress_rate: '5' };

/** A pod with limits on net1, which is made. */
export async function limitedPod(fixture: Fixture, config = ovnConfig()): Promise<MadePod> {
  const made = await fixture.pod({ nic: (nic) => ({ ...nic, more: LIMITS }) });
  await mustAdd(made.sandbox, 'net1', config);
  return made;
}

/** How much there is on the node of one interface of a sandbox. */
export interface Traces {
  readonly rows: number;
  readonly qos: number;
  readonly queues: number;
  readonly links: number;
}
export const WHOLE: Traces = { rows: 1, qos: 1, queues: 1, links: 1 };
export const NONE: Traces = { rows: 0, qos: 0, queues: 0, links: 0 };

export async function tracesOf(node: OvnNode, sandbox: Sandbox, ifName = 'net1'): Promise<Traces> {
  const isOwn = ({ external_ids: ids }: OvsRow) =>
    ids.container_id === sandbox.containerId && ids.if_name === ifName;
  const count = async (table: string) => (await rowsOf(node, table)).filter(isOwn).length;
  const [rows = 0, qos = 0, queues = 0] = await Promise.all(
    ['Interface', 'QoS', 'Queue'].map(count),
  );
  return { rows, qos, queues, links: (await hasLink(hostName(sandbox, ifName))) ? 1 : 0 };
}

/** True where the node has a link of that name. */
export async function hasLink(name: string): Promise<boolean> {
  const links: { ifname: string }[] = JSON.parse(await command('ip', ['-j', 'link']));
  return links.some(({ ifname }) => ifname === name);
}

/** There is this much, now. */
export async function expectTraces(
  { node }: Fixture,
  sandbox: Sandbox,
  traces: Traces,
): Promise<void> {
  expect(await tracesOf(node, sandbox)).toEqual(traces);
}

/** All of an interface goes by itself. */
export async function expectGone({ node }: Fixture, sandbox: Sandbox): Promise<void> {
  await expect.poll(() => tracesOf(node, sandbox), { timeout: 60_000 }).toEqual(NONE);
}

/** The log has one line about the removal of a sandbox's net1, with whose it was and with its proof. */
export async function expectRemoval(
  fixture: Fixture,
  sandbox: Sandbox,
  fields: { port?: string; proof: string },
): Promise<void> {
  const { containerId, pod } = sandbox;
  const whose = { containerId, ifName: 'net1', pod: `${pod.namespace}/${pod.name}` };
  // The log comes through a pipe of its own.
  await expect
    .poll(() => removalsOf(fixture, sandbox))
    .toEqual([expect.objectContaining({ ...whose, ...fields })]);
}

/** What the daemon's log says of what it removed of a sandbox without being asked by a DEL. */
export function removalsOf({ daemon }: Fixture, { containerId }: Sandbox): LogLine[] {
  const lines = daemon.logLines('"proof"').map((line): LogLine => JSON.parse(line));
  return lines.filter((line) => line.containerId === containerId);
}

interface LogLine {
  readonly containerId?: string;
}

/** An interface as Kube-OVN's Go daemon makes it: rows without our key, and 10 Mbit/s to the pod. */
export async function addAsGo(
  node: OvnNode,
  sandbox: Sandbox,
  options: { ifName: string; name?: string; podName?: string; provider?: string },
): Promise<void> {
  const { ifName, name = hostName(sandbox, ifName), podName = sandbox.pod.name } = options;
  const { namespace } = sandbox.pod;
  const network = options.provider === undefined ? '' : `.${options.provider}`;
  const pair = ['type', 'veth', 'peer', 'name', ifName, 'netns', sandbox.netns];
  await command('ip', ['link', 'add', name, 'up', ...pair]);
  const port = `external_ids:iface-id=${podName}.${namespace}${network}`;
  const marks = [port, `external_ids:pod="${namespace}/${podName}"`];
  const rate = ['other_config:max-rate=10000000', 'other_config:burst=1000000'];
  await node.vsctl(
    ...['--', 'add-port', 'br-int', name, '--', 'set', 'interface', name, port],
    'external_ids:vendor=kube-ovn',
    `external_ids:pod_name=${podName}`,
    `external_ids:pod_namespace=${namespace}`,
    `external_ids:pod_netns=${sandbox.netns}`,
    'external_ids:ip=172.17.1.1',
    ...['--', '--id=@queue', 'create', 'Queue', ...rate, ...marks],
    ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue', ...marks],
    ...['--', 'set', 'port', name, 'qos=@qos'],
  );
}
