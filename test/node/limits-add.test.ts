/**
 * Limits and mirroring at ADD: where they may be written, which of them win, what is refused. The
 * rows of rates are in qos.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NicPlan, SubnetPlan } from '../lab/cluster.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import {
  type Annotated,
  becomes,
  eventAbout,
  eventsAbout,
  expectLimits,
  FREE,
  type Has,
  limitsOf,
  nicWith,
  prefixed,
  reannotate,
  settled,
  transactionOf,
} from './limits-fixture.ts';
import { hostName, mustAdd } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';
import { expectRefusal } from './refusal.ts';

const FLAGS = ['--add-timeout-seconds=10'];
const OTHER_NETWORK = 'other.default.ovn';

let fixture: Fixture;
let watch: OvsWatch;
let primary: SubnetPlan;
let other: SubnetPlan;
beforeAll(async () => {
  fixture = await Fixture.start(FLAGS);
  watch = await OvsWatch.start();
  primary = await fixture.cluster.createSubnet(PRIMARY);
  other = await fixture.cluster.createSubnet({
    name: 'other',
    provider: OTHER_NETWORK,
    cidrBlock: '172.19.0.0/16',
    gateway: '172.19.0.1',
  });
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** A NIC has these limits, and no others. */
function expectNic(sandbox: Sandbox, wanted: Partial<Has>, ifName = 'net1'): Promise<void> {
  return expectLimits(watch, hostName(sandbox, ifName), wanted);
}

/** The marks of a NIC's QoS and Queue rows. */
function marksOf({ containerId, pod }: Sandbox) {
  return {
    'iface-id': `${pod.name}.default.${ATTACHNET}`,
    pod: `default/${pod.name}`,
    container_id: containerId,
    if_name: 'net1',
  };
}

describe('netem', () => {
  test('is a QoS row with times in µs, marked as the port is, and no queue', async () => {
    const more = { latency: '10', jitter: '2', limit: '100', loss: '5' };
    const { sandbox } = await nicWith(fixture, more);
    const { qos } = await limitsOf(watch, sandbox);
    expect(qos).toEqual({
      _uuid: expect.any(String),
      type: 'linux-netem',
      queues: {},
      other_config: { latency: '10000', jitter: '2000', limit: '100', loss: '5' },
      external_ids: marksOf(sandbox),
    });
  });

  test('of which everything is 0 is none', async () => {
    const { sandbox } = await nicWith(fixture, { latency: '0', loss: '0.0' });
    await expectNic(sandbox, FREE);
  });

  test('gives way to a rate, and an event says so', async () => {
    const { sandbox, host } = await nicWith(fixture, { latency: '10', ingress_rate: '10' });
    await expectLimits(watch, host, { shaping: '10000000/1000000' });
    const keys = ['latency', 'ingress_rate'].map((name) => `${ATTACHNET}.kubernetes.io/${name}`);
    const event = await eventAbout(fixture, sandbox, 'has no effect', ...keys);
    expect(event).toMatchObject({ type: 'Warning', reason: 'PodQoSUpdateFailed', count: 1 });
    expect(eventsAbout(fixture, sandbox)).toHaveLength(1);
  });

  test('goes beside a limit of the other direction, without an event', async () => {
    const { sandbox, host } = await nicWith(fixture, { latency: '10', egress_rate: '10' });
    await expectLimits(watch, host, { netem: 'latency=10000', policing: '10000/8000' });
    expect(eventsAbout(fixture, sandbox)).toEqual([]);
  });

  test('with a loss that is no whole percent does what it can, and an event says so', async () => {
    const { sandbox, host } = await nicWith(fixture, { latency: '10', loss: '0.5' });
    await expectLimits(watch, host, { netem: 'latency=10000 loss=0.5' });
    await eventAbout(fixture, sandbox, 'loss of 0.5 percent', 'whole percents');
  });
});

describe('an ADD is refused, and leaves nothing, for', () => {
  const RATE_MAX = 'a whole number of Mbit/s, up to 10000000';
  test.each<[name: string, value: string, says: string, more?: Annotated]>([
    ['ingress_rate', '-1', RATE_MAX],
    ['ingress_rate', 'fast', RATE_MAX],
    ['ingress_rate', '1.5', RATE_MAX],
    ['ingress_rate', '10000001', RATE_MAX],
    ['egress_rate', '10M', RATE_MAX],
    ['egress_rate', '99999999999999999999', RATE_MAX],
    ['ingress_burst', '-4', 'a whole number of Mbit', { ingress_rate: '10' }],
    ['ingress_burst', '4', 'ingress_rate beside it'],
    ['egress_burst', '4', 'egress_rate beside it', { ingress_rate: '10' }],
    ['latency', '-1', 'a whole number of ms, up to 274877'],
    ['latency', '274878', 'a whole number of ms, up to 274877'],
    ['jitter', '1ms', 'a whole number of ms', { latency: '10' }],
    ['limit', '4294967296', 'a whole number of packets, up to 4294967295'],
    ['loss', '101', 'a number of percent, up to 100'],
    ['loss', '5%', 'a number of percent, up to 100'],
    // It would have no effect, and still nobody knows what is meant.
    ['loss', 'some', 'a number of percent', { ingress_rate: '10' }],
  ])('%s "%s"', async (name, value, says, more = {}) => {
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, more: { ...more, [name]: value } }),
    });
    const key = `annotation ${ATTACHNET}.kubernetes.io/${name}`;
    const refusal = { code: 7, says: [key, JSON.stringify(value), says] };
    await expectRefusal(fixture.node, sandbox, refusal);
  });
});

/** A pod with NICs of several networks, all of which are made. */
async function podWith(
  annotations: Readonly<Record<string, string>>,
  ...nics: readonly (Partial<NicPlan> & { readonly made: string })[]
): Promise<Sandbox> {
  const { sandbox, pod } = await fixture.pod({ annotations, nic: () => undefined });
  for (const { made, ...plan } of nics) {
    const { v4: ip, mac } = fixture.next();
    const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip, mac, ...plan };
    await fixture.cluster.allocate(pod, nic);
  }
  for (const { made, provider = ATTACHNET } of nics) {
    await mustAdd(sandbox, made, ovnConfig({ provider }));
  }
  return sandbox;
}

describe('the plain annotations', () => {
  const plain = prefixed({ ingress_rate: '10', egress_rate: '20' }, 'ovn');
  const limited = { shaping: '10000000/1000000', policing: '20000/16000' };

  test('are for all NICs that have none of their own, where none is of the primary network', async () => {
    const sandbox = await podWith(
      plain,
      { made: 'net1' },
      {
        made: 'net2',
        provider: OTHER_NETWORK,
        subnet: other,
        ip: '172.19.0.2',
        more: { ingress_rate: '30' },
      },
    );
    await expectNic(sandbox, limited, 'net1');
    await expectNic(sandbox, { ...limited, shaping: '30000000/3000000' }, 'net2');
  });

  test("are the primary network's where a NIC is of it", async () => {
    const sandbox = await podWith(
      plain,
      { made: 'eth0', provider: 'ovn', subnet: primary, ip: '10.16.0.2' },
      { made: 'net1' },
    );
    await expectNic(sandbox, limited, 'eth0');
    await expectNic(sandbox, FREE, 'net1');
  });

  test('that are wrong are named', async () => {
    const annotations = prefixed({ ingress_rate: 'fast' }, 'ovn');
    const { sandbox } = await fixture.pod({ annotations });
    const refusal = { code: 7, says: ['annotation ovn.kubernetes.io/ingress_rate', '"fast"'] };
    await expectRefusal(fixture.node, sandbox, refusal);
  });
});

test('several NICs of one network have each its own limits', async () => {
  const sandbox = await podWith(
    // Of neither: theirs are under the names with the interface.
    prefixed({ ingress_rate: '99' }),
    { made: 'net1', ifName: 'net1', more: { ingress_rate: '10', mirror: 'true' } },
    { made: 'net2', ifName: 'net2', more: { egress_rate: '20' } },
  );
  await expectNic(sandbox, { shaping: '10000000/1000000', mirror: 'on' }, 'net1');
  await expectNic(sandbox, { policing: '20000/16000' }, 'net2');
});

describe('the bandwidth that a runtime asks for', () => {
  /** What kubelet sends for a rate without a burst. */
  const KUBELET_BURST = 2 ** 31 - 1;
  const config = (bandwidth: object) => ovnConfig({ runtimeConfig: { bandwidth } });

  test('is in bit/s, with the default burst where nobody asked for one', async () => {
    const ingress = { ingressRate: 8_000_000, ingressBurst: KUBELET_BURST };
    const egress = { egressRate: 4_000_000, egressBurst: KUBELET_BURST };
    const { host } = await nicWith(fixture, {}, config({ ...ingress, ...egress }));
    await expectLimits(watch, host, { shaping: '8000000/800000', policing: '4000/3200' });
  });

  test('keeps a burst that was asked for', async () => {
    const ingress = { ingressRate: 8_000_000, ingressBurst: 1_600_000 };
    const egress = { egressRate: 4_000_000, egressBurst: 1_000_000 };
    const { host } = await nicWith(fixture, {}, config({ ...ingress, ...egress }));
    await expectLimits(watch, host, { shaping: '8000000/200000', policing: '4000/1000' });
  });

  test('gives way to annotations, direction by direction', async () => {
    const bandwidth = config({ ingressRate: 8_000_000, egressRate: 4_000_000 });
    const { host } = await nicWith(fixture, { egress_rate: '20' }, bandwidth);
    await expectLimits(watch, host, { shaping: '8000000/800000', policing: '20000/16000' });
  });

  test.each([
    ['a daemon that made the port', false],
    ['one that did not', true],
  ])('is back when annotations are removed, with %s', async (_, isRestarted) => {
    const bandwidth = config({ ingressRate: 8_000_000, egressRate: 4_000_000 });
    const limits = { ingress_rate: '10', egress_rate: '20' };
    const nic = await nicWith(fixture, limits, bandwidth);
    await expectLimits(watch, nic.host, {
      shaping: '10000000/1000000',
      policing: '20000/16000',
    });
    if (isRestarted) await fixture.restartDaemon(FLAGS);
    reannotate(fixture, nic.sandbox, { ingress_rate: null, egress_rate: null });
    await becomes(watch, nic.host, { shaping: '8000000/800000', policing: '4000/3200' });
    await settled(watch, nic);
  });
});

describe('the mirror', () => {
  test('takes a port in the transaction that makes it', async () => {
    watch.clear();
    const { host } = await nicWith(fixture, { mirror: 'true' });
    const made = await transactionOf(watch, host);
    const [mirror] = made.filter(({ table }) => table === 'Mirror');
    const [port] = made.filter(({ table }) => table === 'Port');
    expect([mirror?.new?.select_dst_port].flat()).toContain(port?.uuid);
    await expectLimits(watch, host, { mirror: 'on' });
  });

  test.each(['false', 'True', '1', ''])('does not take one that says "%s"', async (mirror) => {
    const { host } = await nicWith(fixture, { mirror });
    await expectLimits(watch, host, FREE);
  });

  test('takes all NICs of a network that says so, and none of another', async () => {
    const sandbox = await podWith(
      prefixed({ mirror: 'true' }),
      { made: 'net1', ifName: 'net1' },
      { made: 'net2', ifName: 'net2' },
      { made: 'net3', provider: OTHER_NETWORK, subnet: other, ip: '172.19.0.3' },
    );
    for (const ifName of ['net1', 'net2']) await expectNic(sandbox, { mirror: 'on' }, ifName);
    await expectNic(sandbox, FREE, 'net3');
  });
});
