/**
 * Proof that a NIC's gateway answers before ADD returns: ARP for IPv4, echo for IPv6. Where a rule
 * of the network drops echoes, as a SecurityGroup that does not allow them, an answer of the gateway
 * to neighbour discovery is the proof: it says as much as one to ARP.
 *
 * The probe starts when OVN has installed the port's flows. A request that is sent earlier is
 * lost, and the tools repeat theirs only after a second.
 */
import type { Address } from '../../common/address.ts';
import { ToolError } from '../../common/process/run.ts';
import { runInNetns } from './netns.ts';

/** Longer than any call's deadline: the deadline ends the probe, not the tool. Seconds. */
const PROBE_S_MAX = 600;

interface Probe {
  readonly netns: string;
  readonly ifName: string;
  readonly gateway: Address;
}

interface ProbeLimits {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/**
 * Resolves when the gateway has answered.
 * @throws `signal.reason` when aborted; ToolError when the probe cannot run
 */
export async function gatewayAnswers(options: {
  netns: string;
  ifName: string;
  gateway: Address;
  signal: AbortSignal;
}): Promise<void> {
  const { gateway, signal } = options;
  const limits = { signal, timeoutMs: PROBE_S_MAX * 1000 };
  if (gateway.family === 'IPv6') {
    await neighbourAnswers(options, limits);
    return;
  }
  for (const tryMs of FIRST_TRIES_MS) {
    const tried = AbortSignal.any([signal, AbortSignal.timeout(tryMs)]);
    const answer = arpAnswer(options, { signal: tried, timeoutMs: limits.timeoutMs });
    if (await answer.then(() => true, failedUnless(tried))) return;
    signal.throwIfAborted();
  }
  await arpAnswer(options, limits);
}

/**
 * A request can be lost while OVS is busy, and arping repeats only after a second: the first ones
 * are given up sooner; ms.
 */
const FIRST_TRIES_MS = [150, 300];

/** Makes "no answer" of a try that was given up, and nothing of a probe that cannot run. */
function failedUnless(tried: AbortSignal): (error: unknown) => boolean {
  return (error) => {
    if (tried.aborted) return false;
    throw error;
  };
}

/** How long one run of ping(8) waits at most; s. */
const ECHO_S_MAX = 64;

/**
 * An echo is tried for 1 s, then for twice as long each time: the fewer tools run the longer a
 * gateway is silent.
 */
async function neighbourAnswers(probe: Probe, limits: ProbeLimits): Promise<void> {
  for (let trySeconds = 1; ; trySeconds = Math.min(2 * trySeconds, ECHO_S_MAX)) {
    if (await echoAnswer(probe, limits, trySeconds)) return;
    limits.signal.throwIfAborted();
    if (await isReachable(probe, limits)) return;
    limits.signal.throwIfAborted();
  }
}

/**
 * False where no echo came back, or the kernel found no neighbour and says so after some seconds,
 * which ends ping(8). `-O` has it write a line for each lost echo: without a reader it ends, also
 * when we are killed.
 */
async function echoAnswer(
  { netns, ifName, gateway }: Probe,
  limits: ProbeLimits,
  trySeconds: number,
): Promise<boolean> {
  const args = ['-6', '-n', '-O', '-c', '1', '-w', `${trySeconds}`, '-I', ifName, gateway.text];
  try {
    await runInNetns(netns, 'ping', args, limits);
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.exitCode === 1) return false;
    throw error;
  }
}

/**
 * Whether the gateway has answered the neighbour solicitation that the echo made the kernel send:
 * only such an answer makes an entry REACHABLE (RFC 4861, section 7.3.3).
 */
async function isReachable(
  { netns, ifName, gateway }: Probe,
  limits: ProbeLimits,
): Promise<boolean> {
  const args = ['-6', 'neighbour', 'show', 'to', gateway.text, 'dev', ifName, 'nud', 'reachable'];
  return (await runInNetns(netns, 'ip', args, limits)).trim() !== '';
}

async function arpAnswer({ netns, ifName, gateway }: Probe, limits: ProbeLimits): Promise<void> {
  const args = ['-f', '-w', `${PROBE_S_MAX}`, '-I', ifName, gateway.text];
  // arping closes its packet socket for 10 ms after the answer: its line is enough.
  const until = (line: string) => line.includes(' reply from ');
  await runInNetns(netns, 'arping', args, { ...limits, until });
}

/** How long a NIC whose Subnet disables the check waits for the one try; ms. */
const SINGLE_TRY_MS = 1000;

/** One try, whose failure does not matter (`spec.disableGatewayCheck`). */
export async function gatewayTriedOnce(options: {
  netns: string;
  ifName: string;
  gateway: Address;
  signal: AbortSignal;
}): Promise<void> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(SINGLE_TRY_MS)]);
  await gatewayAnswers({ ...options, signal }).catch(() => {});
  options.signal.throwIfAborted();
}
