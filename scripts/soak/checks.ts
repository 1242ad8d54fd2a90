/** Calls that change nothing, or that are about nothing: CHECKs, pings, stray DELs, GCs. */
import { randomBytes } from 'node:crypto';
import { outcomeInSandbox } from '../../test/lab/runtime.ts';
import type { Answer } from './calls.ts';
import { annotate } from './controller.ts';
import { expectSuccess, surprise, titleOf, withoutDatabase } from './excuses.ts';
import type { ValidAttachment } from './kubelet.ts';
import type { Nic } from './networks.ts';
import type { Home } from './pods.ts';
import type { Stage } from './stage.ts';
import type { StepContext } from './step-context.ts';

/** CHECKs and pings of a pod that runs. */
export async function checkPod(context: StepContext): Promise<void> {
  const { stage, kubelet, slot } = context;
  const { home } = slot;
  if (home === undefined) return;
  await kubelet.checkAll(home);
  for (const nic of home.nics) {
    const startedMs = performance.now();
    const silent = await silentAfterFaults(stage, home, nic);
    const faults = stage.faults.since(startedMs);
    if (silent.length === 0 || faults.size > 0) continue;
    const { containerId } = home.sandbox;
    const answer = {
      containerId,
      code: 'no echo' as const,
      text: silent.join(),
      result: undefined,
      faults,
    };
    surprise(stage, titleOf('ping', home, nic.ifName), answer);
  }
}

/**
 * ovn-controller connects to a new ovs-vswitchd after pauses of up to 8 s (Open vSwitch's lib/rconn.c), and
 * may have said before that it has done all: where no flow changes, it does not ask ovs-vswitchd (OVN's
 * controller/ofctrl.c, `ofctrl_put`). These are 8 s and time for the flows; ms.
 */
const FLOWS_MS = 15_000;

/** Gateways that do not answer; after a fault there is time for OVN's flows, until the next fault. */
async function silentAfterFaults({ faults }: Stage, home: Home, nic: Nic): Promise<string[]> {
  const startedMs = performance.now();
  const untilMs = faults.since(startedMs - FLOWS_MS).size > 0 ? startedMs + FLOWS_MS : startedMs;
  for (;;) {
    const silent = await silentGateways(home, nic);
    if (silent.length === 0 || performance.now() > untilMs) return silent;
    if (faults.since(startedMs).size > 0) return silent;
  }
}

/** Gateways that do not answer an echo within a second, nor a second one. */
export async function silentGateways(home: Home, { ifName, gateways }: Nic): Promise<string[]> {
  const silent: string[] = [];
  for (const gateway of gateways) {
    const isHeard = (await hears(home, ifName, gateway)) || (await hears(home, ifName, gateway));
    if (!isHeard) silent.push(gateway);
  }
  return silent;
}

async function hears({ sandbox }: Home, ifName: string, address: string): Promise<boolean> {
  const options = ['-n', '-q', '-c', '1', '-W', '1', '-I', ifName];
  return (await outcomeInSandbox(sandbox, 'ping', ...options, address)).exitCode === 0;
}

/** DELs of what is not there must succeed; a CHECK of it must not. */
export async function stray(context: StepContext): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const { home, nics } = slot;
  const [nic] = nics;
  if (nic === undefined) return;
  const unknown: Home = {
    sandbox: {
      containerId: randomBytes(32).toString('hex'),
      netns: '/run/netns/never-was',
      netnsName: 'never-was',
      pod: home?.sandbox.pod ?? { namespace: 'default', name: 'never-was', uid: 'never-was' },
    },
    nics,
    results: home?.results ?? new Map(),
    gone: new Set(),
    isMounted: false,
    isForgotten: false,
  };
  await kubelet.delAll(unknown);
  const again = slot.past;
  if (again !== undefined) await kubelet.delAll(again);
  if (home === undefined) return;
  // Another interface of a sandbox that lives.
  const answer = await kubelet.del(home, { ...nic, ifName: 'net9' });
  expectSuccess(stage, titleOf('DEL', home, 'net9'), answer, withoutDatabase);
  if (!nic.network.isIpam && random.chance(0.5)) {
    const checked = await kubelet.check(unknown, nic);
    if (checked.code === 0) surprise(stage, titleOf('CHECK', unknown, nic.ifName), checked);
  }
}

/** One of the DELs that are owed. */
export async function lateDel(context: StepContext): Promise<void> {
  const { kubelet, slot } = context;
  const home = slot.owed.shift();
  if (home === undefined) return stray(context);
  await kubelet.takeDown(home);
  slot.past = home;
}

/** GC of some networks, sometimes with a list that is out of date. */
export async function collect({ stage, kubelet, slot, random }: StepContext): Promise<void> {
  const { past } = slot;
  const isOld = past !== undefined && random.chance(0.5);
  const more: ValidAttachment[] = isOld
    ? past.nics.map(({ ifName }) => ({ containerID: past.sandbox.containerId, ifname: ifName }))
    : [];
  const count = random.pick([1, 4]);
  for (const network of random.shuffled(Object.values(stage.networks)).slice(0, count)) {
    await kubelet.collect(network, more);
  }
  await kubelet.reap();
}

/** Limits are annotated anew, wrongly, and as they were: after each of them CHECK is content. */
export async function changeLimits({ stage, kubelet, slot, random }: StepContext): Promise<void> {
  const { home } = slot;
  const nic = home?.nics.find(({ network }) => !network.isIpam);
  if (home === undefined || nic === undefined) return;
  const content = () => contentAgain(stage, home, nic, () => kubelet.check(home, nic));
  const { ingress_rate = null, egress_rate = null, latency = null } = nic.plan.more ?? {};
  const { pod } = home.sandbox;
  const rate = random.chance(0.7) ? String(100 + random.below(900)) : null;
  annotate(stage, pod, nic, { ingress_rate: rate, latency: random.pick([null, '2']) });
  if (random.chance(0.5)) await content();
  annotate(stage, pod, nic, { egress_rate: random.pick(['-1', 'fast', '10M', '1e3']) });
  if (random.chance(0.5)) await content();
  annotate(stage, pod, nic, { ingress_rate, egress_rate, latency });
  await content();
}

/** For a change of a pod to reach the daemon when nothing is disturbed; ms. */
const ARRIVAL_MS_MAX = 5000;

/** CHECKs until one finds nothing: there is no other sign that annotations have arrived. */
async function contentAgain(
  stage: Stage,
  home: Home,
  { ifName }: Nic,
  check: () => Promise<Answer>,
): Promise<void> {
  let undisturbedSinceMs = performance.now();
  for (;;) {
    const answer = await check();
    if (answer.code === 0) return;
    if (answer.faults.size > 0) {
      await stage.faults.over();
      undisturbedSinceMs = performance.now();
    } else if (performance.now() - undisturbedSinceMs > ARRIVAL_MS_MAX) {
      surprise(stage, titleOf('CHECK', home, ifName), answer);
      return;
    }
  }
}
