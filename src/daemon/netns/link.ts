/**
 * Links, addresses and routes, by iproute2 (ip-link(8), ip-address(8), ip-route(8)).
 *
 * The words of each batch come from checked types (names, MACs, addresses, a plain path), so
 * none of them can end a line or a word.
 */

import { existsSync } from 'node:fs';
import Type from 'typebox';
import type { Family } from '../../common/address.ts';
import { cidrText } from '../../common/address.ts';
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { parseOutput } from '../../common/process/output.ts';
import { run, ToolError } from '../../common/process/run.ts';
import { CniCode } from '../../wire/cni.ts';
import { CniError, tryAgain } from '../call/error.ts';
import type { NicAddress } from '../model/nic.ts';
import type { Route } from '../model/route.ts';
import { runInNetns } from './netns.ts';

/** A node may run without IPv6 (`ipv6.disable=1`), and then knows no mode of generating addresses. */
const HAS_IPV6 = existsSync('/proc/sys/net/ipv6');
/** Word of ip(8) for an interface that gets no IPv6 link-local address; empty where there is no IPv6. */
export const NO_LINK_LOCAL = HAS_IPV6 ? ' addrgenmode none' : '';

/** Number of the line at which a batch of ip(8) ended. */
export function failedLine(error: ToolError): number | undefined {
  const line = /Command failed -:(\d+)/.exec(error.stderr)?.[1];
  return line === undefined ? undefined : Number(line);
}

/** What the pod's end of a link gets after it was made: addresses and routes. */
export interface InterfacePlan {
  readonly ifName: string;
  readonly netns: string;
  readonly alias: string;
  readonly addresses: readonly NicAddress[];
  readonly routes: readonly Route[];
  /** False where the kernel must first find out whether the address is taken. */
  readonly skipDuplicateDetection: boolean;
}

/** Whether the kernel gives a NIC an IPv6 link-local address. */
export type LinkLocal = 'link-local' | 'no-link-local';

/**
 * Sets the pod's end up.
 * @param linkLocal `no-link-local` for a NIC without IPv6: router solicitations, multicast
 *   reports and duplicate detection would be flooded to every pod of the network
 */
export function linkUpLine(plan: { ifName: string; alias: string }, linkLocal: LinkLocal): string {
  const mode = linkLocal === 'no-link-local' ? NO_LINK_LOCAL : '';
  return `link set dev ${plan.ifName}${mode} alias ${plan.alias} up`;
}

/**
 * Addresses and routes of the pod's end. `nodad`: where OVN's allocator owns the network no
 * address can be taken, and IPv6 must be usable at once.
 */
export function addressLines(plan: InterfacePlan): string[] {
  return [
    ...plan.addresses.map(({ address, cidr }) => {
      const nodad = address.family === 'IPv6' && plan.skipDuplicateDetection ? ' nodad' : '';
      // The network's last address, for programs that ask for it; two hosts have none (RFC 3021).
      const hasBroadcast = address.family === 'IPv4' && cidr.prefixLength < 31;
      const broadcast = hasBroadcast ? ' broadcast +' : '';
      return `address add ${address.text}/${cidr.prefixLength}${broadcast} dev ${plan.ifName}${nodad}`;
    }),
    ...plan.routes.map((route) => {
      const via = route.gateway ? ` via ${route.gateway.text}` : '';
      return `route replace ${cidrText(route.destination)}${via} dev ${plan.ifName}`;
    }),
  ];
}

/**
 * Applies a batch inside the pod.
 * @throws CniError 7 that shows the line which the kernel refuses
 */
export async function applyInPod(netns: string, batch: readonly string[]): Promise<void> {
  // An underlay NIC without addresses.
  if (batch.length === 0) return;
  try {
    await runInNetns(netns, 'ip', ['-batch', '-'], { input: lines(batch) });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const line = failedLine(error);
    if (line === undefined) throw error;
    const said = error.stderr.split('\n')[0] ?? '';
    throw new CniError(
      CniCode.invalidConfig,
      `the kernel refuses "ip ${batch[line - 1]}": ${said}`,
      "the addresses and routes in the pod's annotations and in the network configuration must fit together: a gateway must be reachable on this interface",
      { cause: error },
    );
  }
}

/** Runs lines of `ip -batch` on the node; without any, nothing. @throws ToolError */
export async function applyOnNode(batch: readonly string[]): Promise<void> {
  if (batch.length > 0) await run('ip', ['-batch', '-'], { input: lines(batch) });
}

/** A link that is not there, or went with its namespace between ip's look and its request. */
const GONE = /^Cannot find device|^RTNETLINK answers: No such device|^Command failed/;

/**
 * Deletes host ends; the pods' ends go with them. One that is not there is fine.
 * @throws CniError 11 when the kernel refuses for another reason
 */
export async function deleteLinks(names: readonly string[]): Promise<void> {
  try {
    await run('ip', ['-force', '-batch', '-'], {
      input: lines(names.map((name) => `link delete dev ${name}`)),
    });
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    const refusals = error.stderr.split('\n').filter((line) => line !== '' && !GONE.test(line));
    if (refusals.length > 0)
      throw tryAgain(`cannot delete ${names.join(', ')}: ${refusals[0]}`, '', error);
  }
}

const LINKS = Type.Array(
  Type.Object({ ifname: Type.String(), ifalias: Type.Optional(Type.String()) }),
);

/** Links of the node by name, with their aliases (empty for none). */
export async function nodeLinks(): Promise<ReadonlyMap<string, string>> {
  const output = await run('ip', ['-j', 'link', 'show']);
  const links = parseOutput('ip', output, LINKS);
  return new Map(links.map(({ ifname, ifalias = '' }) => [ifname, ifalias]));
}

/** Removes the pod's default routes of one family, whatever interface they are on. */
export async function deleteDefaultRoutes(netns: string, family: Family): Promise<void> {
  const option = family === 'IPv4' ? '-4' : '-6';
  await runInNetns(netns, 'ip', [option, 'route', 'flush', 'exact', 'default', 'table', 'main']);
}

/**
 * Turns TX checksum offload off on the pod's end: OVS's userspace datapath forwards packets
 * without filling in the checksum that the kernel left to a device, and TCP fails.
 */
export async function disableTxChecksum(netns: string, ifName: string): Promise<void> {
  await runInNetns(netns, 'ethtool', ['-K', ifName, 'tx', 'off']);
}

/**
 * Lets an interface have IPv6 (runtimes may switch it off in a new namespace) but not configure
 * itself from router advertisements, which any neighbour can send: addresses and routes are the
 * controller's. For executables that do not see to it themselves. Before the interface is up.
 * @throws ToolError where a value is wrong and cannot be written
 */
export async function prepareIpv6(options: {
  netns: string;
  ifName: string;
  acceptsAdvertisements: boolean;
}): Promise<void> {
  if (!HAS_IPV6) return;
  const { netns, ifName, acceptsAdvertisements } = options;
  const wanted = { disable_ipv6: '0', accept_ra: acceptsAdvertisements ? '1' : '0' };
  const keys = Object.keys(wanted).map((name) => `net/ipv6/conf/${ifName}/${name}`);
  const assignments = Object.values(wanted).map((value, index) => `${keys[index]}=${value}`);
  try {
    await runInNetns(netns, 'sysctl', ['-q', '-w', ...assignments]);
  } catch (error) {
    // Kube-OVN's executable has written the sandbox's defaults, which a new interface takes over.
    const found = await runInNetns(netns, 'sysctl', ['-n', ...keys]);
    if (found.trim().split('\n').join() !== Object.values(wanted).join()) throw error;
  }
}

/** One line for all pods, however many ADDs follow: why it cannot be done is the node's affair. */
export function createIpv6Outage(log: Logger): Outage {
  return new Outage(log, {
    fields: {},
    lost: 'cannot set IPv6 parameters in pods, which may take router advertisements of their neighbours: replace the executable on this node by the one of this daemon, or make /proc/sys writable',
    back: 'IPv6 parameters are set in pods again',
  });
}

/** A batch as ip(8) reads it. */
export function lines(batch: readonly string[]): string {
  return `${batch.join('\n')}\n`;
}
