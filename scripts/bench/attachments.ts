/** ADD and DEL as whole processes: one by one, in a burst, and with many ports on the bridge. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { command, outcomeOf } from '../../test/lab/command.ts';
import { OVS_DATABASE } from '../../test/lab/ovn-node.ts';
import { type CniOutcome, cni } from '../../test/lab/runtime.ts';
import { version } from './executable.ts';
import { hostileAnnotations, longestDelay } from './loop-delay.ts';
import type { Bench, WaitingPod } from './stage.ts';
import { floorGateway, IPAM_CONFIG, OVN_CONFIG, preparePods, removePods, settle } from './stage.ts';
import { median, percentile, round } from './statistics.ts';

const ROUNDS = 40;
const ROUNDS_PER_SIZE = 15;
const BURST = 50;
/** Pods that keep their interface while others come and go: the size that ratios refer to. */
const BASE_PORTS = 10;

/** One by one, each beside the floor, an IPAM call and a VERSION call. */
export async function measureAttachments(bench: Bench) {
  for (const pod of await preparePods(bench, BASE_PORTS)) await add(pod);
  const [adds, dels, floors, ipams, versions]: number[][] = [[], [], [], [], []];
  for (const pod of await preparePods(bench, ROUNDS)) {
    floors?.push(await floor(pod));
    await settle(bench);
    adds?.push(await add(pod));
    // The daemon writes its bookkeeping after the answer: not into the next measurement.
    await settle(bench);
    ipams?.push(await ipam(pod));
    await settle(bench);
    versions?.push(await version());
    dels?.push(await del(pod));
    await settle(bench);
  }
  const [addP50, floorP50, ipamP50, versionP50] = [adds, floors, ipams, versions].map((samples) =>
    median(samples ?? []),
  );
  return {
    ovn_add_p50_ms: round(addP50 ?? 0),
    ovn_add_p99_ms: round(percentile(adds ?? [], 99)),
    floor_p50_ms: round(floorP50 ?? 0),
    ovn_add_p50_over_floor: round((addP50 ?? 0) / (floorP50 ?? 0)),
    ovn_del_p50_ms: round(median(dels ?? [])),
    ovn_del_p99_ms: round(percentile(dels ?? [], 99)),
    version_p50_ms: round(versionP50 ?? 0),
    ipam_add_p50_ms: round(ipamP50 ?? 0),
    ipam_add_p99_ms: round(percentile(ipams ?? [], 99)),
    ipam_add_p50_over_version: round((ipamP50 ?? 0) / (versionP50 ?? 0)),
  };
}

/** All at once. */
export async function measureBurst(bench: Bench) {
  const pods = await preparePods(bench, BURST);
  const startedMs = performance.now();
  await Promise.all(pods.map(add));
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all(pods.map(del));
  await settle(bench);
  return { burst50_adds_per_s: round(BURST / seconds, 1) };
}

/** The node's pods come at once, one of them with all the annotations that a pod can have. */
export async function measureLoopDelay(bench: Bench) {
  const [last] = await preparePods(bench, 1);
  const comeAtOnce = async () => {
    for (let made = 0; made < 1000; made += 1) {
      const isHostile = made === 500;
      const annotations = isHostile ? hostileAnnotations('default/attachnet') : {};
      bench.cluster.createPod(isHostile ? 'hostile' : `idle-${made}`, annotations);
    }
    // It has its answer when the daemon has read those before.
    bench.cluster.createPod('idle-last');
    if (last !== undefined) await ipam(last);
  };
  return { daemon_loop_delay_max_ms_hostile_burst: await longestDelay(bench.daemon, comeAtOnce) };
}

/**
 * With more ports on the bridge. The further ports are tunnel ports with the marks of pods: rows
 * that every tool reads, without a device for each, so that the machine's kernel is not what is
 * measured. The floor at each size tells how much of the growth is OVS's own.
 */
export async function measureSizes(bench: Bench) {
  const base = await addAndFloor(bench);
  await fillBridge(bench, BASE_PORTS, 250);
  const at250 = await addAndFloor(bench);
  await fillBridge(bench, 250, 1000);
  const at1000 = await addAndFloor(bench);
  await emptyBridge(bench, 1000);
  return {
    add_p50_250_ports_over_10: round(at250.add / base.add),
    add_p50_1000_ports_over_10: round(at1000.add / base.add),
    floor_p50_1000_ports_over_10: round(at1000.floor / base.floor),
    ovn_add_over_floor_1000_ports: round(at1000.add / at1000.floor),
  };
}

/** Memory of the daemon with 250 pods that have an interface; MB. */
export async function measureMemory(bench: Bench) {
  const pods = await preparePods(bench, 250 - BASE_PORTS);
  for (const pod of pods) await add(pod);
  return { daemon_rss_mb_250_pods: await residentMb(bench) };
}

/** Pods that come and go together in `measureCycles`. */
const PODS_AT_ONCE = 8;
/** Between two samples of memory; cycles. */
const SAMPLE_EVERY = 500;

/**
 * Memory of the daemon after many pods have come and gone, each with an ADD and a DEL; MB. What a
 * daemon keeps of calls that are over shows only after thousands of them: a node has as many within
 * weeks.
 */
export async function measureCycles(bench: Bench, cycles: number) {
  const samples: number[] = [];
  for (let done = 0; done < cycles; done += PODS_AT_ONCE) {
    const pods = await preparePods(bench, PODS_AT_ONCE);
    await Promise.all(pods.map(add));
    await Promise.all(pods.map(del));
    await removePods(bench, pods);
    if (done % SAMPLE_EVERY < PODS_AT_ONCE) samples.push(await residentMb(bench));
  }
  console.log(`daemon, MB, every ${SAMPLE_EVERY} cycles: ${samples.join(' ')}`);
  return { daemon_rss_mb_10000_cycles: await residentMb(bench) };
}

/** Resident set of the daemon; MB. */
async function residentMb({ daemon }: Bench): Promise<number> {
  const status = await readFile(`/proc/${daemon.process.pid}/status`, 'utf8');
  const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return round(kilobytes / 1024, 1);
}

async function addAndFloor(bench: Bench): Promise<{ add: number; floor: number }> {
  const adds: number[] = [];
  const floors: number[] = [];
  for (const pod of await preparePods(bench, ROUNDS_PER_SIZE)) {
    floors.push(await floor(pod));
    await settle(bench);
    adds.push(await add(pod));
    await del(pod);
    await settle(bench);
  }
  return { add: median(adds), floor: median(floors) };
}

async function add({ sandbox }: WaitingPod): Promise<number> {
  return succeeded(await cni('ADD', sandbox, 'net1', OVN_CONFIG));
}

async function del({ sandbox }: WaitingPod): Promise<number> {
  return succeeded(await cni('DEL', sandbox, 'net1', OVN_CONFIG));
}

/** The executable as macvlan calls it: it makes no interface. */
async function ipam({ sandbox }: WaitingPod): Promise<number> {
  return succeeded(await cni('ADD', sandbox, 'net2', IPAM_CONFIG, {}, {}, 'kube-ovn'));
}

function succeeded({ exitCode, stdout, ms }: CniOutcome): number {
  if (exitCode !== 0) throw new Error(stdout);
  return ms;
}

/** The bare commands for the same pod; undone without being timed. */
async function floor(pod: WaitingPod): Promise<number> {
  const host = `${pod.sandbox.containerId.slice(0, 8)}_floor`;
  const script = resolve(import.meta.dirname, 'floor.sh');
  const args = [
    script,
    OVS_DATABASE,
    pod.sandbox.netns,
    host,
    pod.mac,
    pod.ip,
    floorGateway,
    pod.logicalPort,
  ];
  const { exitCode, stderr, ms } = await outcomeOf('/bin/sh', args);
  if (exitCode !== 0) throw new Error(`floor: ${stderr}`);
  await command('ovs-vsctl', [`--db=${OVS_DATABASE}`, '--no-wait', 'del-port', 'br-int', host]);
  await command('ip', ['link', 'delete', host]);
  return ms;
}

async function fillBridge(bench: Bench, from: number, to: number): Promise<void> {
  const AT_ONCE = 50;
  for (let start = from; start < to; start += AT_ONCE) {
    const numbers = Array.from(
      { length: Math.min(AT_ONCE, to - start) },
      (_, index) => start + index,
    );
    await bench.node.vsctl(...numbers.flatMap(fillerPort));
  }
  // Without --no-wait ovs-vsctl returns when ovs-vswitchd has caught up.
  await command('ovs-vsctl', [
    `--db=${OVS_DATABASE}`,
    '--timeout=60',
    'get',
    'Bridge',
    'br-int',
    '_uuid',
  ]);
  await settle(bench);
}

function fillerPort(number: number): string[] {
  const name = `filler${number}`;
  const marks = {
    'iface-id': `filler-${number}.default`,
    vendor: 'kube-ovn',
    pod_name: name,
    pod_namespace: 'default',
  };
  return [
    ...['--', 'add-port', 'br-int', name, '--', 'set', 'Interface', name, 'type=geneve'],
    ...[`options:key=${number}`, `options:remote_ip=127.0.1.${1 + (number % 250)}`],
    ...Object.entries(marks).map(([key, value]) => `external_ids:${key}=${value}`),
  ];
}

async function emptyBridge(bench: Bench, to: number): Promise<void> {
  const names = Array.from({ length: to }, (_, number) => `filler${number}`);
  await bench.node.vsctl(
    ...names.flatMap((name) => ['--', '--if-exists', 'del-port', 'br-int', name]),
  );
  await settle(bench);
}
