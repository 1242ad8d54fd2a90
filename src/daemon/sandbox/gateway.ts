/**
 * Proof that a NIC's gateway answers before ADD returns: ARP for IPv4, echo for IPv6.
 *
 * The probe starts when OVN has installed the port's flows. A request that is sent earlier is
 * lost, and the tools repeat theirs only after a second.
 */
import type { Address } from '../../common/address.ts';
import { ToolError } from '../../common/process/run.ts';
import { runInNetns } from './netns.ts';

/** Longer than any call's deadline: the deadline ends the probe, not the tool. Seconds. */
const PROBE_S_MAX = 600;

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
    while (!(await echoAnswer(options, limits))) signal.throwIfAborted();
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

/**
 * False where the kernel found no neighbour and says so after some seconds, which ends ping(8). `-O`
 * has it write a line for each lost echo: without a reader it ends, also when we are killed.
 */
async function echoAnswer(
  { netns, ifName, gateway }: { netns: string; ifName: string; gateway: Address },
  limits: { signal: AbortSignal; timeoutMs: number },
): Promise<boolean> {
  const args = ['-6', '-n', '-O', '-c', '1', '-w', `${PROBE_S_MAX}`, '-I', ifName, gateway.text];
  try {
    await runInNetns(netns, 'ping', args, limits);
    return true;
  } catch (error) {
    if (error instanceof ToolError && error.exitCode === 1) return false;
    throw error;
  }
}

async function arpAnswer(
  { netns, ifName, gateway }: { netns: string; ifName: string; gateway: Address },
  limits: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
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
