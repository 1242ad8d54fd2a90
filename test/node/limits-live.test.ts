/**
 * Limits and mirroring of running pods follow their annotations: soon, in one transaction, and
 * without touching what stays.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { createSandbox, type Sandbox } from '../lab/runtime.ts';
import { TcpEcho } from '../lab/tcp-echo.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import {
  type Annotated,
  type AnnotatedChange,
  BOTH,
  becomes,
  eventAbout,
  expectLimits,
  type Has,
  LIMITED,
  limitsOf,
  nicWith,
  prefixed,
  reannotate,
  settled,
} from './limits-fixture.ts';
import { census, expectNode, hostName, mustAdd, mustDelete } from './observe.ts';
import { OvsWatch, type RowChange } from './ovs-watch.ts';

const UPDATED = 'Normal PodQoSUpdated';

let fixture: Fixture;
let watch: OvsWatch;
beforeAll(async () => {
  fixture = await Fixture.start();
  watch = await OvsWatch.start();
  // What is theirs must never change.
  for (const more of [BOTH, { latency: '10', mirror: 'true' }]) await nicWith(fixture, more);
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** `Queue changed`, for each row that was touched since the last `clear`. */
function touched(): string[] {
  return watch.changes.map((change) => `${change.table} ${howOf(change)}`).sort();
}

function howOf({ old, new: now }: RowChange): 'came' | 'went' | 'changed' {
  if (old === undefined) return 'came';
  return now === undefined ? 'went' : 'changed';
}

/** A change of one annotation or several, and all that it may do. */
interface Case {
  readonly title: string;
  readonly before: Annotated;
  readonly change: AnnotatedChange;
  readonly after: Partial<Has>;
  readonly touches: readonly string[];
}

const HTB_COMES = ['Port changed', 'QoS came', 'Queue came'];
const HTB_GOES = ['Port changed', 'QoS went', 'Queue went'];
const CASES: readonly Case[] = [
  {
    title: 'a rate to the pod comes',
    before: {},
    change: { ingress_rate: '10' },
    after: { shaping: '10000000/1000000' },
    touches: HTB_COMES,
  },
  {
    title: 'it changes',
    before: BOTH,
    change: { ingress_rate: '30' },
    after: { ...LIMITED, shaping: '30000000/3000000' },
    touches: ['Queue changed'],
  },
  {
    title: 'its burst comes',
    before: BOTH,
    change: { ingress_burst: '4' },
    after: { ...LIMITED, shaping: '10000000/500000' },
    touches: ['Queue changed'],
  },
  {
    title: 'its burst goes',
    before: { ...BOTH, ingress_burst: '4' },
    change: { ingress_burst: null },
    after: LIMITED,
    touches: ['Queue changed'],
  },
  {
    title: 'it goes',
    before: BOTH,
    change: { ingress_rate: null },
    after: { policing: LIMITED.policing },
    touches: HTB_GOES,
  },
  {
    title: 'it becomes 0',
    before: BOTH,
    change: { ingress_rate: '0' },
    after: { policing: LIMITED.policing },
    touches: HTB_GOES,
  },
  {
    title: 'a rate from the pod comes',
    before: {},
    change: { egress_rate: '20' },
    after: { policing: '20000/16000' },
    touches: ['Interface changed'],
  },
  {
    title: 'it changes with its burst',
    before: BOTH,
    change: { egress_rate: '30', egress_burst: '6' },
    after: { ...LIMITED, policing: '30000/6000' },
    touches: ['Interface changed'],
  },
  {
    title: 'it goes, too',
    before: BOTH,
    change: { egress_rate: null },
    after: { shaping: LIMITED.shaping },
    touches: ['Interface changed'],
  },
  {
    title: 'both change',
    before: BOTH,
    change: { ingress_rate: '20', egress_rate: '10' },
    after: { shaping: '20000000/2000000', policing: '10000/8000' },
    touches: ['Interface changed', 'Queue changed'],
  },
  {
    title: 'netem comes',
    before: {},
    change: { latency: '10', loss: '5' },
    after: { netem: 'latency=10000 loss=5' },
    touches: ['Port changed', 'QoS came'],
  },
  {
    title: 'netem goes',
    before: { latency: '10', ...BOTH, ingress_rate: '0' },
    change: { latency: null },
    after: { policing: LIMITED.policing },
    touches: ['Port changed', 'QoS went'],
  },
  {
    title: 'a rate comes beside netem, and wins',
    before: { latency: '10' },
    change: { ingress_rate: '10' },
    after: { shaping: LIMITED.shaping },
    touches: ['Port changed', 'QoS came', 'QoS went', 'Queue came'],
  },
  {
    title: 'the rate goes, and netem is back',
    before: { latency: '10', ingress_rate: '10' },
    change: { ingress_rate: null },
    after: { netem: 'latency=10000' },
    touches: ['Port changed', 'QoS came', 'QoS went', 'Queue went'],
  },
  {
    title: 'the mirror is switched on',
    before: BOTH,
    change: { mirror: 'true' },
    after: { ...LIMITED, mirror: 'on' },
    touches: ['Mirror changed'],
  },
  {
    title: 'the mirror is switched off',
    before: { ...BOTH, mirror: 'true' },
    change: { mirror: 'false' },
    after: LIMITED,
    touches: ['Mirror changed'],
  },
  {
    title: 'everything changes',
    before: { ...BOTH, mirror: 'true' },
    change: { ingress_rate: null, egress_rate: '5', latency: '1', mirror: null },
    after: { policing: '5000/4000', netem: 'latency=1000' },
    touches: [
      ...['Interface changed', 'Mirror changed', 'Port changed'],
      ...['QoS came', 'QoS went', 'Queue went'],
    ],
  },
];

describe('one transaction touches what differs and nothing else when', () => {
  test.each(CASES)('$title', async ({ before, change, after, touches }) => {
    const nic = await nicWith(fixture, before);
    await watch.caughtUp();
    watch.clear();
    reannotate(fixture, nic.sandbox, change);
    await becomes(watch, nic.host, after);
    await settled(watch, nic);
    expect(touched()).toEqual(touches);
    expect(watch.updates).toHaveLength(1);
    const said = await eventAbout(fixture, nic.sandbox, 'net1', ATTACHNET, 'now has');
    expect(`${said.type} ${said.reason}`).toBe(UPDATED);
  });
});

test('other netem takes two transactions, since OVS must see the port without', async () => {
  const nic = await nicWith(fixture, { latency: '10', loss: '5' });
  await watch.caughtUp();
  watch.clear();
  reannotate(fixture, nic.sandbox, { latency: '20', loss: null, jitter: '1' });
  await becomes(watch, nic.host, { netem: 'jitter=1000 latency=20000' });
  await settled(watch, nic);
  expect(touched()).toEqual(['Port changed', 'Port changed', 'QoS came', 'QoS went']);
  expect(watch.updates).toHaveLength(2);
});

/** A pod with two NICs on one network. */
async function podWithTwo(more: Annotated): Promise<Sandbox> {
  const { sandbox, pod } = await fixture.pod({ nic: () => undefined });
  for (const ifName of ['net1', 'net2']) {
    const { v4: ip, mac } = fixture.next();
    const nic: NicPlan = { provider: ATTACHNET, subnet: fixture.attachnet, ip, mac, ifName, more };
    await fixture.cluster.allocate(pod, nic);
  }
  for (const ifName of ['net1', 'net2']) await mustAdd(sandbox, ifName, ovnConfig());
  return sandbox;
}

describe('of a pod with two NICs', () => {
  test('both change in one transaction', async () => {
    const sandbox = await podWithTwo(BOTH);
    await watch.caughtUp();
    watch.clear();
    const { cluster } = fixture;
    cluster.annotate(sandbox.pod, {
      ...prefixed({ ingress_rate: '30' }, `${ATTACHNET}.net1`),
      ...prefixed({ ingress_rate: '40', egress_rate: '50' }, `${ATTACHNET}.net2`),
    });
    const policing = '50000/40000';
    await becomes(watch, hostName(sandbox, 'net1'), { ...LIMITED, shaping: '30000000/3000000' });
    await becomes(watch, hostName(sandbox, 'net2'), { policing, shaping: '40000000/4000000' });
    await watch.caughtUp();
    expect(watch.updates).toHaveLength(1);
    expect(touched()).toEqual(['Interface changed', 'Queue changed', 'Queue changed']);
  });

  test('only the one changes whose annotation does', async () => {
    const sandbox = await podWithTwo(BOTH);
    const before = await limitsOf(watch, sandbox, 'net2');
    reannotate(fixture, sandbox, { ingress_rate: null }, `${ATTACHNET}.net1`);
    await becomes(watch, hostName(sandbox, 'net1'), { policing: LIMITED.policing });
    expect(await limitsOf(watch, sandbox, 'net2')).toEqual(before);
  });

  test('the plain annotation, where no NIC is of the primary network, changes both', async () => {
    const sandbox = await podWithTwo({ egress_rate: '20' });
    await watch.caughtUp();
    watch.clear();
    reannotate(fixture, sandbox, { ingress_rate: '10' }, 'ovn');
    for (const ifName of ['net1', 'net2']) await becomes(watch, hostName(sandbox, ifName), LIMITED);
    await watch.caughtUp();
    expect(watch.updates).toHaveLength(1);
  });
});

test('rows that come later have the marks of the attachment, too', async () => {
  const nic = await nicWith(fixture);
  reannotate(fixture, nic.sandbox, { ingress_rate: '10' });
  await becomes(watch, nic.host, { shaping: LIMITED.shaping });
  const { qos, queue } = await limitsOf(watch, nic.sandbox);
  const marks = {
    'iface-id': nic.port,
    pod: `default/${nic.sandbox.pod.name}`,
    container_id: nic.sandbox.containerId,
    if_name: 'net1',
  };
  expect([qos?.external_ids, queue?.external_ids]).toEqual([marks, marks]);
});

test('pods of one name in two namespaces have each their own', async () => {
  const { cluster } = fixture;
  const { sandbox, host } = await nicWith(fixture, BOTH);
  const pod = cluster.createPod(sandbox.pod.name, {}, 'other');
  const { v4: ip, mac } = fixture.next();
  const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip, mac, more: BOTH };
  await cluster.allocate(pod, nic);
  const other = await createSandbox(pod);
  await mustAdd(other, 'net1', ovnConfig());
  reannotate(fixture, other, { ingress_rate: '30' });
  const shaping = '30000000/3000000';
  await becomes(watch, hostName(other, 'net1'), { ...LIMITED, shaping });
  await expectLimits(watch, host, LIMITED);
});

test('a virtual machine, whose port has its name, has its limits changed', async () => {
  const more = { virtualmachine: 'vm-1', ...BOTH };
  const { sandbox } = await fixture.pod({ nic: (plain) => ({ ...plain, more }) });
  await mustAdd(sandbox, 'net1', ovnConfig());
  reannotate(fixture, sandbox, { ingress_rate: '30' });
  const shaping = '30000000/3000000';
  await becomes(watch, hostName(sandbox, 'net1'), { ...LIMITED, shaping });
  await eventAbout(fixture, sandbox, 'net1', 'now has');
});

test('a TCP connection lives through changes of its rate', async () => {
  const [server, client] = [await nicWith(fixture, BOTH), await nicWith(fixture)];
  using connection = await TcpEcho.start(client.sandbox, server.sandbox, server.address);
  const changes: AnnotatedChange[] = [
    { ingress_rate: '30', egress_rate: '30' },
    { ingress_rate: null, egress_rate: null },
    { ingress_rate: '10' },
    { ingress_rate: null, latency: '5' },
  ];
  const line = 'x'.repeat(100_000);
  expect(await connection.echo(line)).toBe(line);
  for (const change of changes) {
    reannotate(fixture, server.sandbox, change);
    await settled(watch, server);
    expect(await connection.echo(line)).toBe(line);
  }
});

test('a DEL after changes leaves nothing', async () => {
  const before = await census(fixture.node);
  const nic = await nicWith(fixture, { latency: '10' });
  const changes = [{ ...BOTH }, { ingress_rate: null, mirror: 'true' }, { ingress_rate: '5' }];
  for (const change of changes) {
    reannotate(fixture, nic.sandbox, change);
    await settled(watch, nic);
  }
  await mustDelete(nic.sandbox, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
});
