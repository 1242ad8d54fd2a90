/** Rates at ADD: the rows of HTB and policing, and what they do. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tcpThroughput } from '../lab/iperf3.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { type LimitRows, limitsOf, rowCounts, transactionOf } from './limits-fixture.ts';
import { hostName, mustAdd, mustDelete } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

let fixture: Fixture;
let watch: OvsWatch;
beforeAll(async () => {
  fixture = await Fixture.start();
  watch = await OvsWatch.start();
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** A pod with annotated limits. */
function limited(more: Readonly<Record<string, string>>) {
  return fixture.pod({ nic: (nic) => ({ ...nic, more }) });
}

/** The rows with a port's limits. */
function limits(sandbox: Sandbox, ifName?: string): Promise<LimitRows> {
  return limitsOf(watch, sandbox, ifName);
}

test('rates of both directions are rows of HTB and policing, with default bursts', async () => {
  const { pod, sandbox } = await limited({ ingress_rate: '10', egress_rate: '20' });
  await mustAdd(sandbox, 'net1', ovnConfig());
  const rows = await limits(sandbox);
  const ids = {
    'iface-id': `${pod.name}.default.${ATTACHNET}`,
    pod: `default/${pod.name}`,
    container_id: sandbox.containerId,
    if_name: 'net1',
  };
  expect(rows.queue).toMatchObject({
    other_config: { 'max-rate': '10000000', burst: '1000000' },
    external_ids: ids,
  });
  expect(rows.qos).toMatchObject({
    type: 'linux-htb',
    queues: { 0: rows.queue?._uuid },
    external_ids: ids,
  });
  expect(rows.interface).toMatchObject({
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
  const rows = await limits(sandbox);
  expect(rows.queue?.other_config).toEqual({ 'max-rate': '10000000', burst: '500000' });
  expect(rows.interface).toMatchObject({
    ingress_policing_rate: 20_000,
    ingress_policing_burst: 5000,
  });
});

test('a limit of one direction leaves the other free', async () => {
  const [to, from] = [await limited({ ingress_rate: '7' }), await limited({ egress_rate: '9' })];
  await mustAdd(to.sandbox, 'net1', ovnConfig());
  await mustAdd(from.sandbox, 'net1', ovnConfig());
  const limitsTo = await limits(to.sandbox);
  expect(limitsTo.queue?.other_config).toMatchObject({ 'max-rate': '7000000' });
  expect(limitsTo.interface.ingress_policing_rate).toBe(0);
  const limitsFrom = await limits(from.sandbox);
  expect(limitsFrom.qos).toBeUndefined();
  expect(limitsFrom.interface.ingress_policing_rate).toBe(9000);
});

test('no rate and a rate of 0 make no rows', async () => {
  const before = await rowCounts(watch);
  const { sandbox } = await limited({ ingress_rate: '0', egress_rate: '0', ingress_burst: '5' });
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await rowCounts(watch)).toEqual(before);
  expect((await limits(sandbox)).interface.ingress_policing_rate).toBe(0);
});

test('the port is never in OVS without its limits', async () => {
  const { sandbox } = await limited({ ingress_rate: '10', egress_rate: '20' });
  watch.clear();
  await mustAdd(sandbox, 'net1', ovnConfig());
  const made = await transactionOf(watch, hostName(sandbox, 'net1'));
  const newIn = (table: string) => made.find((change) => change.table === table)?.new;
  const { qos, queue } = await limits(sandbox);
  expect(newIn('Interface')).toMatchObject({ ingress_policing_rate: 20_000 });
  expect(newIn('Port')).toMatchObject({ qos: qos?._uuid });
  expect(newIn('QoS')).toMatchObject({ type: 'linux-htb', queues: { 0: queue?._uuid } });
  expect(newIn('Queue')).toMatchObject({ other_config: { 'max-rate': '10000000' } });
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
    await limits(sandbox, 'net1'),
    await limits(sandbox, 'net2'),
    await limits(other.sandbox),
  ];
  expect(new Set(all.map(({ qos }) => qos?._uuid)).size).toBe(3);
  expect(new Set(all.map(({ queue }) => queue?._uuid)).size).toBe(3);

  const [qosCount, queueCount] = await rowCounts(watch);
  await mustDelete(sandbox, 'net1', ovnConfig());
  expect(await rowCounts(watch)).toEqual([qosCount - 1, queueCount - 1]);
  expect((await limits(sandbox, 'net2')).queue).toEqual(all[1]?.queue);
  expect((await limits(other.sandbox)).queue).toEqual(all[2]?.queue);
});

test('a DEL removes all rows of the limits', async () => {
  const before = await rowCounts(watch);
  const { sandbox } = await limited({ ingress_rate: '10', egress_rate: '20' });
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await rowCounts(watch)).not.toEqual(before);
  await mustDelete(sandbox, 'net1', ovnConfig());
  expect(await rowCounts(watch)).toEqual(before);
});

test('TCP to a pod limited to 10 Mbit/s runs at 10 Mbit/s', async () => {
  const [server, client] = [await limited({ ingress_rate: '10' }), await fixture.pod()];
  await mustAdd(server.sandbox, 'net1', ovnConfig());
  await mustAdd(client.sandbox, 'net1', ovnConfig());
  const mbps = await tcpThroughput(client.sandbox, server.sandbox, server.nic.ip, 3, 1);
  expect(mbps).toBeGreaterThan(8.5);
  expect(mbps).toBeLessThan(11.5);
});
