/**
 * STATUS: whether an ADD for a network could be served now (CNI spec 1.1, section 2, "STATUS").
 * It looks at what an ADD needs, and answers within a second, whatever hangs.
 */

import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { OWN_CNI_TYPE } from '../../common/names.ts';
import { overdueTools } from '../../common/process/run.ts';
import { ToolError } from '../../common/process/tool-error.ts';
import { show } from '../../common/text.ts';
import { CniCode } from '../../wire/cni.ts';
import type { StatusRequest } from '../../wire/messages.ts';
import { CniError } from '../call/error.ts';
import type { Subnet } from '../model/subnet.ts';
import { runInNetns } from '../netns/netns.ts';
import type { Abilities } from '../node/abilities.ts';
import type { PrimaryNetwork } from '../node/primary-network.ts';
import type { Tunnels } from '../node/tunnels.ts';
import { ovsFailures } from '../ovs/liveness.ts';
import type { OvsSession } from '../ovs/session.ts';

/** What a STATUS looks at. */
export interface StatusParts {
  readonly pods: CacheView;
  readonly subnets: CacheView & Pick<WatchCache<Subnet>, 'values'>;
  /** An OVSDB remote. */
  readonly ovsDatabase: string;
  readonly ovs: Pick<OvsSession, 'isLive' | 'outageReason'>;
  readonly tunnels: Pick<Tunnels, 'isKnown' | 'failure' | 'text'>;
  readonly abilities: Pick<Abilities, 'failures'>;
  readonly primary: Pick<PrimaryNetwork, 'failure'>;
}

/** Whether what a watch knows is up to date. */
type CacheView = Pick<WatchCache<unknown>, 'isSynced' | 'msSinceContact'>;

/** For all questions, which go out at once; ms. The rest of the second is for starting tools. */
const ANSWER_WITHIN_MS = 700;
/**
 * After this long without a word from the API server, what is new may not reach us; ms. Sooner
 * says nothing: a bookmark comes about once a minute, and a watch without one is opened again
 * after 90 s (kubernetes/limits.ts), which may take more than one attempt.
 */
const API_SILENCE_MS_MAX = 180_000;

/**
 * Returns where an ADD could be served.
 * @throws CniError 50 with all that is in its way; 51 where nothing is but the network, which has
 *   no address left
 */
export async function status(request: StatusRequest, parts: StatusParts): Promise<void> {
  const { provider } = request;
  const makesInterface = request.cni_type === OWN_CNI_TYPE;
  if (makesInterface) refuseForeignPrimary(provider, parts);
  const checks = [
    ...clusterChecks(parts),
    ...(makesInterface ? await nodeChecks(parts, AbortSignal.timeout(ANSWER_WITHIN_MS)) : []),
  ];
  const failures = checks.flatMap((check) => check.failures);
  if (failures.length > 0) {
    throw new CniError(
      CniCode.notAvailable,
      `no ADD for network ${show(provider)} can be served: ${failures.join('; ')}`,
      "look at the programs that are named on this node; the daemon's log says since when",
    );
  }
  refuseExhausted(provider, parts);
}

/** Something that an ADD needs. */
export interface Check {
  readonly name: string;
  /** What is wrong with it: a sentence for each, the same one for as long as nothing changes. */
  readonly failures: readonly string[];
  /** How it is where nothing is wrong. */
  readonly fine: string;
}

/** All that an ADD needs, whatever network it is for; `signal` ends the questions. */
export async function allChecks(parts: StatusParts, signal: AbortSignal): Promise<Check[]> {
  return [...clusterChecks(parts), ...(await nodeChecks(parts, signal))];
}

/** What the API server keeps from us; an ADD of any type needs it. */
function clusterChecks({ pods, subnets }: Pick<StatusParts, 'pods' | 'subnets'>): Check[] {
  const caches = [
    { name: 'pods', cache: pods },
    { name: 'Subnets', cache: subnets },
  ];
  return caches.map(({ name, cache }) => ({
    name: `API server: ${name}`,
    failures: cacheFailures(name, cache),
    fine: 'they are followed',
  }));
}

function cacheFailures(name: string, cache: CacheView) {
  if (!cache.isSynced) return [`the first list of ${name} has not come from the API server yet`];
  if (cache.msSinceContact <= API_SILENCE_MS_MAX) return [];
  const seconds = API_SILENCE_MS_MAX / 1000;
  return [`nothing was heard of the API server about ${name} for more than ${seconds} s`];
}

/** What of OVS and OVN works; an ADD that makes an interface needs them. */
async function nodeChecks(parts: StatusParts, signal: AbortSignal): Promise<Check[]> {
  const { ovsDatabase, ovs, tunnels } = parts;
  const [ovsAnswers, ip] = await Promise.all([
    ovsFailures(ovsDatabase, signal),
    ipFailures(signal),
  ]);
  const unsettled = tunnels.isKnown
    ? []
    : [
        `this node's tunnels are not set up: ${tunnels.failure}; see --iface and --mtu of the daemon`,
      ];
  const why = ovs.outageReason ?? 'there is no session with its database yet';
  const unfollowed = ovs.isLive ? [] : [`changes of OVS's rows do not arrive: ${why}`];
  return [
    { name: 'container', failures: parts.abilities.failures(), fine: 'it has what it needs' },
    { name: 'Open vSwitch, OVN', failures: ovsAnswers, fine: 'they answer' },
    { name: "OVS's rows", failures: unfollowed, fine: 'they are followed' },
    { name: 'tunnels', failures: unsettled, fine: tunnels.text ?? 'they are set up' },
    { name: 'network namespaces', failures: ip, fine: 'tools work in them' },
    { name: 'tools', failures: overdueFailures(), fine: 'none hangs' },
  ];
}

/** Tools that make interfaces, asked as an ADD asks them, in the node's own namespace. */
async function ipFailures(signal: AbortSignal): Promise<string[]> {
  try {
    await runInNetns('/proc/self/ns/net', 'ip', ['link', 'show', 'dev', 'lo'], { signal });
    return [];
  } catch (error) {
    const why = error instanceof ToolError ? error.stderr || error.message : 'it takes too long';
    return [`ip in a network namespace does not answer: ${why}`];
  }
}

/** The time is that of the first run, so that the sentence stays the same. */
function overdueFailures(): string[] {
  return overdueTools.list().map(({ tool, since }) => {
    return `${tool} does not come back: it was started at ${since.toISOString()}`;
  });
}

/** So that a runtime that asks each of its networks does not take this one. */
function refuseForeignPrimary(provider: string, { primary }: Pick<StatusParts, 'primary'>): void {
  const failure = primary.failure(provider);
  if (failure === undefined) return;
  throw new CniError(CniCode.notAvailable, failure.message, failure.advice);
}

/** A network may have several Subnets: the controller takes the next one where one has no more. */
function refuseExhausted(provider: string, { subnets }: Pick<StatusParts, 'subnets'>): void {
  const own = [...subnets.values()].filter((subnet) => subnet.provider === provider);
  if (own.length === 0 || !own.every(({ exhausted }) => exhausted)) return;
  const names = own.map(({ name }) => `Subnet ${name}`).sort();
  throw new CniError(
    CniCode.noAddressLeft,
    `network ${show(provider)} has no address left in ${names.join(', ')}`,
    'delete pods of this network, or give it a larger Subnet or another one',
  );
}
