import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tcpThroughput } from '../lab/iperf3.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { attachmentRow, hostName, mustAdd, mustDelete, type OvsRow, rowsOf } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A pod with annotated limits. */
function limited(more: Readonly<Record<string, string>>) {
  return fixture.pod({ nic: (nic) => ({ ...nic, more }) });
}

interface Limits {
  readonly interface: OvsRow;
  readonly qos: OvsRow | undefined;
  readonly queue: OvsRow | undefined;
}

/** The rows with a port's limits, found from the port as OVS finds them. */
async function limitsOf(sandbox: Sandbox, ifName = 'net1'): Promise<Limits> {
  const row = await attachmentRow(fixture.node, sandbox, ifName);
  const [ports, qoses, queues] = await Promise.all(
    ['Port', 'QoS', 'Queue'].map((table) => rowsOf(fixture.node, table)),
  );
  const port = ports?.find(({ name }) => name === row.name);
  const qos = qoses?.find(({ _uuid }) => _uuid === port?.qos);
  const [uuid] = Object.values((qos?.queues ?? {}) as Record<string, string>);
  return { interface: row, qos, queue: queues?.find(({ _uuid }) => _uuid === uuid) };
}

/** How many rows there are with limits. */
async function rowCounts(): Promise<[qos: number, queues: number]> {
  const [qos, queues] = await Promise.all(
    ['QoS', 'Queue'].map((table) => rowsOf(fixture.node, table)),
  );
  return [qos?.length ?? 0, queues?.length ?? 0];
}

test('rates of both directions are rows of HTB and policing, with default bursts', async () => {
  const { pod, sandbox } = await limited({ ingress_rate: '10', egress_rate: '20' });
  await mustAdd(sandbox, 'net1', ovnConfig());
  const limits = await limitsOf(sandbox);
  const ids = {
    'iface-id': `${pod.name}.default.${ATTACHNET}`,
    pod: `default/${pod.name}`,
    container_id: sandbox.containerId,
    if_name: 'net1',
  };
  expect(limits.queue).toMatchObject({
    other_config: { 'max-rate': '10000000', burst: '1000000' },
    external_ids: ids,
  });
  expect(limits.qos).toMatchObject({
    type: 'linux-htb',
    queues: { 0: limits.queue?._uuid },
    external_ids: ids,
  });
  expect(limits.interface).toMatchObject({
    ingress_policing_rate: 20_000,
    ingress_policing_burst: 16_000,
  });
});

test('bursts are in bytes for HTB and kbit for policing', async () => {
  const { sandbox } = await limited({
    ingress_rate: '10',
    ingress_burst: '4',
    egress_rate: '20',
    egress_burst: '5',
  });
  await mustAdd(sandbox, 'net1', ovnConfig());
  const limits = await limitsOf(sandbox);
  expect(limits.queue?.other_config).toEqual({ 'max-rate': '10000000', burst: '500000' });
  expect(limits.interface).toMatchObject({
    ingress_policing_rate: 20_000,
    ingress_policing_burst: 5000,
  });
});

test('a limit of one direction leaves the other free', async () => {
  const [to, from] = [await limited({ ingress_rate: '7' }), await limited({ egress_rate: '9' })];
  await mustAdd(to.sandbox, 'net1', ovnConfig());
  await mustAdd(from.sandbox, 'net1', ovnConfig());
  const limitsTo = await limitsOf(to.sandbox);
  expect(limitsTo.queue?.other_config).toMatchObject({ 'max-rate': '7000000' });
  expect(limitsTo.interface.ingress_policing_rate).toBe(0);
  const limitsFrom = await limitsOf(from.sandbox);
  expect(limitsFrom.qos).toBeUndefined();
  expect(limitsFrom.interface.ingress_policing_rate).toBe(9000);
});

test('no rate and a rate of 0 make no rows', async () => {
  const before = await rowCounts();
  const { sandbox } = await limited({ ingress_rate: '0', egress_rate: '0', ingress_burst: '5' });
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await rowCounts()).toEqual(before);
  expect((await limitsOf(sandbox)).interface.ingress_policing_rate).toBe(0);
});

test('the port is never in OVS without its limits', async () => {
  const { sandbox } = await limited({ ingress_rate: '10', egress_rate: '20' });
  const name = hostName(sandbox, 'net1');
  const port = await firstStateOf('Port', 'qos', name);
  const row = await firstStateOf('Interface', 'ingress_policing_rate', name);
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await port.state).toEqual(['uuid', expect.any(String)]);
  expect(await row.state).toBe(20_000);
});

test('two limited pods, and two limited NICs of a pod, share no rows', async () => {
  const more = { ingress_rate: '10' };
  const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
  for (const [index, ifName] of ['net1', 'net2'].entries()) {
    const ip = `172.17.3.${index + 1}`;
    const mac = `00:00:00:00:03:0${index + 1}`;
    await fixture.cluster.allocate(pod, { ...nic, ip, mac, ifName, more });
  }
  const other = await limited(more);
  await mustAdd(sandbox, 'net1', ovnConfig());
  await mustAdd(sandbox, 'net2', ovnConfig());
  await mustAdd(other.sandbox, 'net1', ovnConfig());
  const all = [
    await limitsOf(sandbox, 'net1'),
    await limitsOf(sandbox, 'net2'),
    await limitsOf(other.sandbox),
  ];
  expect(new Set(all.map(({ qos }) => qos?._uuid)).size).toBe(3);
  expect(new Set(all.map(({ queue }) => queue?._uuid)).size).toBe(3);

  const [qosCount, queueCount] = await rowCounts();
  await mustDelete(sandbox, 'net1', ovnConfig());
  expect(await rowCounts()).toEqual([qosCount - 1, queueCount - 1]);
  expect((await limitsOf(sandbox, 'net2')).queue).toEqual(all[1]?.queue);
  expect((await limitsOf(other.sandbox)).queue).toEqual(all[2]?.queue);
});

test('a DEL removes all rows of the limits', async () => {
  const before = await rowCounts();
  const { sandbox } = await limited({ ingress_rate: '10', egress_rate: '20' });
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await rowCounts()).not.toEqual(before);
  await mustDelete(sandbox, 'net1', ovnConfig());
  expect(await rowCounts()).toEqual(before);
});

test('TCP to a pod limited to 10 Mbit/s runs at 10 Mbit/s', async () => {
  const [server, client] = [await limited({ ingress_rate: '10' }), await fixture.pod()];
  await mustAdd(server.sandbox, 'net1', ovnConfig());
  await mustAdd(client.sandbox, 'net1', ovnConfig());
  const mbps = await tcpThroughput(client.sandbox, server.sandbox, server.nic.ip, 3, 1);
  expect(mbps).toBeGreaterThan(8.5);
  expect(mbps).toBeLessThan(11.5);
});

/** Watches a table; `state` is what a column has in the transaction that makes the row. */
async function firstStateOf(table: string, column: string, name: string) {
  const database = ['unix:/run/openvswitch/db.sock', 'Open_vSwitch'];
  const args = ['--format=json', 'monitor', ...database, table, `name,${column}`];
  const monitor = spawn('ovsdb-client', args);
  const lines = createInterface({ input: monitor.stdout });
  const ready = once(lines, 'line');
  const inserted = Promise.withResolvers<unknown>();
  lines.on('line', (line) => {
    const { headings, data } = JSON.parse(line) as { headings: string[]; data: unknown[][] };
    const row = data.find((values) => values[1] === 'insert' && values.includes(name));
    if (row !== undefined) inserted.resolve(row[headings.indexOf(column)]);
  });
  await ready;
  return { state: inserted.promise.finally(() => monitor.kill()) };
}
