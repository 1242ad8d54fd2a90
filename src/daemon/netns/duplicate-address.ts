/**
 * Duplicate address detection, for underlay networks: there an address can be taken by a
 * machine that no allocator of ours knows (RFC 5227 for IPv4, RFC 4862 section 5.4 for IPv6).
 */

import Type from 'typebox';
import type { Address } from '../../common/address.ts';
import { startLineMonitor } from '../../common/process/line-monitor.ts';
import { parseOutput } from '../../common/process/output.ts';
import { ToolError } from '../../common/process/run.ts';
import { CniCode } from '../../wire/cni.ts';
import { CniError } from '../call/error.ts';
import { runInNetns } from './netns.ts';

/** Requests sent before an IPv4 address counts as free, one second apart. */
const ARP_PROBES = 2;

/**
 * Asks the network whether someone has an IPv4 address (arping(8), `-D`).
 * @throws CniError 7 when someone answers
 */
export async function checkIpv4Free(
  netns: string,
  ifName: string,
  address: Address,
  signal: AbortSignal,
): Promise<void> {
  const args = [
    '-D',
    '-f',
    '-c',
    `${ARP_PROBES}`,
    '-w',
    `${ARP_PROBES}`,
    '-I',
    ifName,
    address.text,
  ];
  try {
    await runInNetns(netns, 'arping', args, { signal });
  } catch (error) {
    // 1: somebody answered; 2: arping itself failed.
    if (!(error instanceof ToolError) || error.exitCode !== 1) throw error;
    throw taken(address.text, error);
  }
}

/** For a link without such addresses, and for each address of another scope, ip(8) prints `{}`. */
const ADDRESS_STATES = Type.Array(
  Type.Object({
    addr_info: Type.Optional(
      Type.Array(
        Type.Object({
          local: Type.Optional(Type.String()),
          tentative: Type.Optional(Type.Boolean()),
          dadfailed: Type.Optional(Type.Boolean()),
        }),
      ),
    ),
  }),
);

/** How long detection takes at most (RFC 4862, section 5.4: a random second, then a second); ms. */
const DETECTION_MS_MAX = 3000;

/**
 * Runs `addAddresses` and waits until the kernel has finished its detection for all IPv6
 * addresses of the interface: every change of an address is an event, and each event is answered
 * by a look at the state. A last look when detection must be over makes up for an event that came
 * before `ip monitor` listened.
 * @throws CniError 7 when an address is taken; `signal.reason` when aborted
 */
export async function ipv6Settled(
  netns: string,
  ifName: string,
  addAddresses: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const looks = Promise.withResolvers<void>();
  const look = () => {
    isSettled(netns, ifName).then((settled) => settled && looks.resolve(), looks.reject);
  };
  const abort = () => looks.reject(signal.reason);
  const stop = startLineMonitor('nsenter', [`--net=${netns}`, 'ip', '-o', 'monitor', 'address'], {
    line: look,
    end: (reason) => looks.reject(new Error(`ip monitor ended: ${reason}`)),
  });
  signal.addEventListener('abort', abort, { once: true });
  const timer = setTimeout(look, DETECTION_MS_MAX);
  try {
    signal.throwIfAborted();
    await addAddresses();
    look();
    await looks.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    stop();
    // Whoever waited has its answer; a look that is still under way has nobody to tell.
    looks.promise.catch(() => {});
  }
}

async function isSettled(netns: string, ifName: string): Promise<boolean> {
  const output = await runInNetns(netns, 'ip', [
    '-j',
    '-6',
    'address',
    'show',
    'dev',
    ifName,
    'scope',
    'global',
  ]);
  const links = parseOutput('ip', output, ADDRESS_STATES);
  const addresses = links.flatMap(({ addr_info }) => addr_info ?? []);
  const duplicate = addresses.find((address) => address.dadfailed);
  if (duplicate !== undefined) throw taken(duplicate.local ?? '');
  return !addresses.some((address) => address.tentative);
}

/** As Kube-OVN's daemon begins it: what people search for. */
function taken(address: string, cause?: unknown): CniError {
  return new CniError(
    CniCode.invalidConfig,
    `IP address ${address} has already been used by another host of the network`,
    "exclude it in the Subnet's excludeIps, or free it on the other machine",
    { cause },
  );
}
