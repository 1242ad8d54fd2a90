/** The node at rest: what should be gone is waited for, what lives is looked at. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import pLimit from 'p-limit';
import { deletionsOf } from '../../src/wire/paths.ts';
import { portName } from '../../test/lab/cluster.ts';
import { SOCKET } from '../../test/lab/daemon.ts';
import { OVS_DATABASE } from '../../test/lab/ovn-node.ts';
import { type Finding, takeCensus, unexplained } from './census.ts';
import { silentGateways } from './checks.ts';
import { recovered } from './faults.ts';
import type { Kubelet } from './kubelet.ts';
import type { Nic } from './networks.ts';
import { type Home, keyOf, type Slot } from './pods.ts';
import type { Stage } from './stage.ts';

/** How long the daemon may take to clean up after the last event; ms. */
const CLEAN_UP_MS_MAX = 20_000;

/**
 * Waits until nothing is there that nobody answers for.
 * @returns what stays: leaks
 */
export async function settle(
  stage: Stage,
  kubelet: Kubelet,
  before: readonly Finding[],
): Promise<Finding[]> {
  await stage.faults.over();
  await recovered(stage);
  const deadline = AbortSignal.timeout(CLEAN_UP_MS_MAX);
  const changes = followChanges();
  try {
    for (;;) {
      const change = changes.next(deadline);
      const leaks = unexplained(await takeCensus(stage.node), before, kubelet.homes);
      if (leaks.length === 0 || deadline.aborted) return leaks;
      await change;
    }
  } finally {
    changes.stop();
  }
}

/** Tells of changes of OVS's rows, of links, and of recorded DELs. */
function followChanges() {
  const records = watch(deletionsOf(SOCKET));
  const monitors = [
    spawn('ovsdb-client', ['monitor', OVS_DATABASE, 'Open_vSwitch', 'Interface', 'name']),
    spawn('ovsdb-client', ['monitor', OVS_DATABASE, 'Open_vSwitch', 'QoS', 'external_ids']),
    spawn('ip', ['monitor', 'link']),
  ];
  return {
    /** Resolves at the next change, or at the deadline. */
    next: async (deadline: AbortSignal) => {
      const ended = new AbortController();
      const signal = AbortSignal.any([deadline, ended.signal]);
      const events = [
        once(records, 'change', { signal }),
        ...monitors.map(({ stdout }) => once(stdout, 'data', { signal })),
      ];
      await Promise.race(events).catch(() => {});
      ended.abort();
      await Promise.allSettled(events);
    },
    stop: () => {
      records.close();
      for (const monitor of monitors) monitor.kill('SIGKILL');
    },
  };
}

/** OVN's and OVS's own recovery, after kills of both: they wait up to 8 s between attempts. */
const ECHO_MS_MAX = 30_000;
/** Pods that are looked at together. */
const AT_ONCE = 4;

/**
 * Looks at all pods that should be well: rows, CHECK, and pings.
 * @returns what is wrong with each that is not
 */
export async function damagedHomes(
  stage: Stage,
  kubelet: Kubelet,
  slots: readonly Slot[],
): Promise<Map<Home, string[]>> {
  const ports = (await takeCensus(stage.node)).filter(({ what }) => what === 'port');
  const homes = slots.flatMap(({ home }) => (home === undefined ? [] : [home]));
  const limit = pLimit(AT_ONCE);
  const looks = homes.map((home) =>
    limit(async (): Promise<[Home, string[]]> => {
      const wrong: string[] = [];
      for (const nic of home.nics) {
        if (!nic.network.isIpam) wrong.push(...wrongPort(home, nic, ports));
        wrong.push(...(await wrongEcho(home, nic)));
      }
      if (!(await kubelet.checkAll(home))) wrong.push('CHECK fails');
      return [home, wrong];
    }),
  );
  return new Map((await Promise.all(looks)).filter(([, wrong]) => wrong.length > 0));
}

/** The port is there once, has the logical switch port, and OVN has installed it. */
function wrongPort(home: Home, nic: Nic, ports: readonly Finding[]): string[] {
  const own = ports.filter(({ key }) => key === keyOf(home, nic));
  const wanted = portName(home.sandbox.pod, nic.plan);
  const holders = ports.filter(({ externalIds }) => externalIds['iface-id'] === wanted);
  const [port] = own;
  if (own.length !== 1 || port === undefined) return [`${own.length} ports of ${nic.ifName}`];
  return [
    ...(holders.length === 1 && holders[0] === port
      ? []
      : [`iface-id ${wanted} is at ${holders.map(({ name }) => name).join(', ') || 'no port'}`]),
    ...(port.externalIds['ovn-installed'] === 'true' ? [] : [`${port.name} is not ovn-installed`]),
  ];
}

async function wrongEcho(home: Home, nic: Nic): Promise<string[]> {
  const untilMs = performance.now() + ECHO_MS_MAX;
  let silent = await silentGateways(home, nic);
  while (silent.length > 0 && performance.now() < untilMs) silent = await silentGateways(home, nic);
  return silent.map((gateway) => `${gateway} does not answer on ${nic.ifName}`);
}
