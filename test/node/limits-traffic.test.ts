/** Limits and mirroring of running pods, measured: what iperf3, ping and tcpdump see. */
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { received } from '../lab/iperf3.ts';
import { whyNoNetem } from '../lab/kernel.ts';
import { inSandbox, outcomeInSandbox, type Sandbox } from '../lab/runtime.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { type HealthyNic, podsArrive } from './check-fixture.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { type AnnotatedChange, becomes, nicWith, reannotate, settled } from './limits-fixture.ts';
import { limitReport } from './limits-program.ts';
import {
  expectAtMost,
  expectLimits,
  type Limited,
  mean,
  print,
  skip,
  text,
  throughput,
  udp,
} from './limits-throughput.ts';
import { hostName, mustAdd } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

let fixture: Fixture;
let watch: OvsWatch;
/** Has no limit, and sends. */
let client: HealthyNic;
/** Has no limit, and receives. */
let free: HealthyNic;
beforeAll(async () => {
  fixture = await Fixture.start();
  watch = await OvsWatch.start();
  client = await nicWith(fixture);
  free = await nicWith(fixture);
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** Changes limits of a running pod; resolves when OVS is done with them. */
async function annotate(nic: HealthyNic, values: AnnotatedChange): Promise<void> {
  reannotate(fixture, nic.sandbox, values);
  await podsArrive(fixture);
  await settled(watch, nic);
  await fixture.node.switchDone();
}

/** A running pod that is limited afterwards. */
async function limitedPod(mbps: number): Promise<HealthyNic> {
  const nic = await nicWith(fixture);
  await annotate(nic, { ingress_rate: `${mbps}` });
  return nic;
}

/** TCP that the client sends to a pod. */
function streamTo({ sandbox: server, address }: HealthyNic) {
  return { client: client.sandbox, server, address, protocol: 'TCP' as const };
}

/**
 * OVS's userspace datapath sends to all ports by one socket. What waits in the queue of a limited
 * port fills that socket's buffer (net.core.wmem_default), and the packets to all other ports are
 * dropped meanwhile: TCP streams beside one another need windows for which there is room.
 */
const SHARED_WINDOW_KIB = 32;

/** TCP to limited pods, for all at the same time. */
function besideOneAnother(limits: readonly (readonly [HealthyNic, limitMbps: number])[]) {
  return limits.map(([nic, limitMbps]): Limited => {
    return { ...streamTo(nic), windowKib: SHARED_WINDOW_KIB, limitMbps };
  });
}

const LIMITS_MBPS = [10, 100, 500];

describe('a limit to a running pod', () => {
  test.for(LIMITS_MBPS)('of %d Mbit/s is what TCP gets', async (limitMbps, context) => {
    const nic = await limitedPod(limitMbps);
    await expectLimits(context, [{ ...streamTo(nic), limitMbps }], streamTo(free));
  });

  test.for(LIMITS_MBPS)('of %d Mbit/s is what UDP gets', async (limitMbps, context) => {
    const nic = await limitedPod(limitMbps);
    const traffic = { ...udp(streamTo(nic), limitMbps), limitMbps };
    await expectLimits(context, [traffic], udp(streamTo(free), limitMbps));
  });

  test('is gone with its annotation', async (context) => {
    const nic = await limitedPod(10);
    await expectLimits(context, [{ ...streamTo(nic), limitMbps: 10 }], streamTo(free));
    await annotate(nic, { ingress_rate: null });
    const mbps = await throughput(streamTo(nic));
    print(`TCP without a limit: ${text(mbps)}`);
    expect(mbps).toBeGreaterThan(3 * 10);
  });

  test('that changes from 10 to 100 Mbit/s makes a connection faster and does not break it', async () => {
    const nic = await limitedPod(10);
    const reports: number[] = [];
    for await (const mbps of received({ ...streamTo(nic), seconds: 6 })) {
      reports.push(mbps);
      if (reports.length === 4) await annotate(nic, { ingress_rate: '100' });
    }
    print(`TCP at 10, then 100 Mbit/s: ${reports.map((mbps) => mbps.toFixed(0)).join(' ')}`);
    const [before, after] = [mean(reports.slice(0, 4)), mean(reports.slice(4))];
    expectAtMost(10, before);
    expectAtMost(100, after);
    expect(after).toBeGreaterThan(3 * before);
  });

  test('is its own: two limited pods get 50 Mbit/s each', async (context) => {
    const nics = [await limitedPod(50), await limitedPod(50)];
    await expectLimits(context, besideOneAnother(nics.map((nic) => [nic, 50])), streamTo(free));
  });

  test('does not slow down a pod without one', async () => {
    const nic = await limitedPod(20);
    const streams = [...besideOneAnother([[nic, 20]]), streamTo(free)];
    const [limited = 0, unlimited = 0] = await Promise.all(streams.map(throughput));
    print(`TCP to a pod without a limit: ${text(unlimited)}; with 20 Mbit/s: ${text(limited)}`);
    expectAtMost(20, limited);
    expect(unlimited).toBeGreaterThan(2 * 20);
  });

  test('is that of one interface: another one of the pod has its own', async (context) => {
    const second = await secondNetwork();
    const nic = await limitedPod(20);
    const address = await second.attach(nic.sandbox, '172.18.0.11');
    await second.attach(client.sandbox, '172.18.0.12');
    reannotate(fixture, nic.sandbox, { ingress_rate: '40' }, second.provider);
    await becomes(watch, hostName(nic.sandbox, 'net2'), { shaping: '40000000/4000000' });
    await expectLimits(
      context,
      besideOneAnother([
        [nic, 20],
        [{ ...nic, address }, 40],
      ]),
      streamTo(free),
    );
  });
});

/** Another network beside attachnet, for `net2` of pods. */
async function secondNetwork() {
  const provider = 'second.default.ovn';
  const subnet = await fixture.cluster.createSubnet({
    name: 'second',
    provider,
    cidrBlock: '172.18.0.0/16',
    gateway: '172.18.0.1',
  });
  const attach = async (sandbox: Sandbox, ip: string): Promise<string> => {
    const mac = `00:00:00:18:00:${ip.split('.').at(-1)}`;
    const nic: NicPlan = { provider, subnet, ip, mac };
    await fixture.cluster.allocate(sandbox.pod, nic);
    await mustAdd(sandbox, 'net2', ovnConfig({ name: 'second', provider }));
    return ip;
  };
  return { provider, attach };
}

test('a limit from a running pod is in force where `kube-ovn-cni limits` says so, and only there', async () => {
  const limitMbps = 10;
  const nic = await nicWith(fixture);
  await annotate(nic, { egress_rate: `${limitMbps}` });
  await becomes(watch, nic.host, { policing: '10000/8000' });
  const { inForce, notes } = await limitReport(nic.sandbox, 'from the pod');
  const { sandbox: server, address } = free;
  const mbps = await throughput({ client: nic.sandbox, server, address, protocol: 'TCP' });
  print(`TCP from a pod policed to ${limitMbps} Mbit/s: ${text(mbps)}; in force: ${inForce}`);
  for (const note of notes) print(note);
  expect(inForce).toBe(mbps < 2 * limitMbps ? 'yes' : 'no');
});

describe('netem of a running pod', () => {
  /** What ping(8) says of echoes to a pod. */
  async function ping({ address }: HealthyNic, count: number) {
    const words = ['-n', '-q', '-c', `${count}`, '-i', '0.02', '-W', '1', address];
    const { stdout } = await outcomeInSandbox(client.sandbox, 'ping', ...words);
    const received = Number(/(\d+) received/.exec(stdout)?.[1]);
    const averageMs = Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1]);
    return { received, averageMs };
  }

  test('is rows, whatever the kernel can do', async () => {
    const nic = await nicWith(fixture);
    await annotate(nic, { latency: '50', loss: '30' });
    await becomes(watch, nic.host, { netem: 'latency=50000 loss=30' });
    await annotate(nic, { latency: null, loss: null });
    await becomes(watch, nic.host, {});
  });

  /** A running pod, on a kernel that can. */
  async function netemPod(context: TestContext): Promise<HealthyNic> {
    const missing = await whyNoNetem();
    return missing === undefined ? nicWith(fixture) : skip(context, missing);
  }

  test('delays packets to it, and is gone with its annotation', async (context) => {
    const nic = await netemPod(context);
    const before = await ping(nic, 20);
    await annotate(nic, { latency: '50' });
    const delayed = await ping(nic, 20);
    expect((await limitReport(nic.sandbox, 'netem')).inForce).toBe('yes');
    await annotate(nic, { latency: null });
    const after = await ping(nic, 20);
    const times = [before, delayed, after].map(({ averageMs }) => averageMs);
    print(`RTT without, with and again without a latency of 50 ms: ${times.join(', ')} ms`);
    expect(delayed.averageMs).toBeGreaterThan(50);
    expect(delayed.averageMs).toBeLessThan(110);
    expect(Math.max(before.averageMs, after.averageMs)).toBeLessThan(50);
  });

  test('changes while it runs', async (context) => {
    const nic = await netemPod(context);
    await annotate(nic, { latency: '40' });
    await annotate(nic, { latency: '120' });
    const { averageMs } = await ping(nic, 20);
    print(`RTT with a latency of 40, then 120 ms: ${averageMs} ms`);
    expect(averageMs).toBeGreaterThan(120);
    expect((await limitReport(nic.sandbox, 'netem')).inForce).toBe('yes');
  });

  test('loses packets to it', async (context) => {
    const nic = await netemPod(context);
    await annotate(nic, { loss: '30' });
    const { received } = await ping(nic, 100);
    print(`of 100 echoes with a loss of 30 %: ${received} answered`);
    expect(received).toBeGreaterThan(45);
    expect(received).toBeLessThan(90);
  });
});

test('packets to a running pod are on the mirror while it is mirrored, those to others are not', async () => {
  const [other, mirrored, marker] = [
    await nicWith(fixture),
    await nicWith(fixture),
    await nicWith(fixture, { mirror: 'true' }),
  ];
  const echo = ({ address }: HealthyNic) =>
    inSandbox(client.sandbox, 'ping', '-n', '-q', '-c', '3', '-i', '0.05', address);
  const hosts = [other, mirrored, marker].map(({ address }) => `dst host ${address}`);
  const filter = `icmp[icmptype] == icmp-echo and (${hosts.join(' or ')})`;
  /** To whom the packets on the mirror are that come before those to the pod that is mirrored anyway. */
  const seen = async (count: number): Promise<string[]> => {
    await fixture.node.switchDone();
    const dump = await Tcpdump.start('mirror0', count, filter);
    for (const nic of [other, mirrored, marker]) await echo(nic);
    const lines = await dump.packets();
    return lines.map((line) => / > ([\d.]+): ICMP/.exec(line)?.[1] ?? line);
  };
  const three = ({ address }: HealthyNic) => [address, address, address];

  expect(await seen(3)).toEqual(three(marker));
  await annotate(mirrored, { mirror: 'true' });
  expect(await seen(6)).toEqual([...three(mirrored), ...three(marker)]);
  await annotate(mirrored, { mirror: null });
  expect(await seen(3)).toEqual(three(marker));
});
