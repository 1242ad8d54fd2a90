/**
 * kube-ovn-controller: parses flags, stands by until it leads, wires the parts, and ends on a signal
 * or when it leads no more. Nothing else.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { abortable } from '../common/concurrency/deadline.ts';
import { KeyedLock } from '../common/concurrency/keyed-lock.ts';
import { untilDone } from '../common/concurrency/retry.ts';
import { hostOf, KubernetesApi, loadKubeConfig } from '../common/kubernetes/api.ts';
import { EventRecorder } from '../common/kubernetes/events.ts';
import type { RequestObserver } from '../common/kubernetes/request-observer.ts';
import { watchEventLoop } from '../common/loop-delay.ts';
import { ProgramMetrics } from '../common/metrics/program-metrics.ts';
import { surviveStrayRejections } from '../common/process/stray-rejections.ts';
import { createProgramLog, levelOfVerbosity } from '../common/program-log.ts';
import { ObjectEvents } from '../common/reconcile/object-events.ts';
import { messageOf } from '../common/text.ts';
import { questionOf, VERSION } from '../wire/version.ts';
import { bootstrap, onReference } from './bootstrap.ts';
import { removeLeftovers } from './clean-up.ts';
import { AgentPods } from './cluster/agent-pods.ts';
import { type Cluster, createCluster } from './cluster/cluster.ts';
import { IpIndex } from './cluster/ip-index.ts';
import { Machines } from './cluster/machines.ts';
import { PodIndex } from './cluster/pod-index.ts';
import { type Options, parseFlags } from './config/flags.ts';
import { answerTo } from './config/help.ts';
import { EVENT_LIMITS } from './event-limits.ts';
import { Addresses } from './ipam/addresses.ts';
import { Allocator } from './ipam/allocator/allocator.ts';
import type { Context } from './kinds/context.ts';
import { Leader } from './leader.ts';
import { acquireLeadership } from './leadership/acquire.ts';
import { LeaderWrites } from './leadership/leader-writes.ts';
import type { Leadership } from './leadership/leadership.ts';
import { ControllerMetrics } from './metrics.ts';
import { onDrift } from './ovn/drift.ts';
import { type NorthboundAddress, type OpenNorthbound, openNorthbound } from './ovn/open.ts';
import { serveProbes } from './probes.ts';

const programLog = createProgramLog();
const { log } = programLog;
surviveStrayRejections(log);

/** How long work and events in flight may hold up the end; ms. */
const ENDS_AFTER_MS = 5000;

const question = questionOf(process.argv.slice(2));
if (question === undefined) {
  start().catch((error) => {
    log.fatal({ error: messageOf(error), details: detailsOf(error) }, 'the controller ends');
    process.exit(1);
  });
} else {
  console.log(answerTo(question));
}

async function start(): Promise<void> {
  const options = parseFlags(process.argv.slice(2), process.env);
  log.level = levelOfVerbosity(options.verbosity);
  if (options.logFile !== undefined) programLog.toFile(options.logFile);
  if (options.ignored.length > 0) log.warn({ flags: options.ignored }, 'flags without effect here');
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => ending.abort(new Error(`ended by ${signal}`)));
  }
  const config = loadKubeConfig(options.kubeconfigPath);
  const observers = observe(config);
  watchEventLoop(log, observers.program.onLoopDelay);
  // Who stands by is ready; who leads is it when all objects are known.
  let isReady = true;
  let lacks: () => readonly string[] = () => [];
  serveProbes(options.health, {
    isReady: () => isReady,
    lacks: () => lacks(),
    metrics: () => observers.program.expose(),
    api: new KubernetesApi(config),
    log,
  });
  const leadership = await waitToLead(options, config, observers, ending.signal);
  isReady = false;
  observers.controller.leads(() => !leadership.lost.aborted);
  const signal = AbortSignal.any([ending.signal, leadership.lost]);
  const over = new AbortController();
  const following = (cluster: Cluster, northbound?: OpenNorthbound) => {
    lacks = () => [
      ...cluster.lacks().map(({ message, advice }) => `${message}: ${advice}`),
      ...(northbound?.failure === undefined ? [] : [northbound.failure]),
    ];
  };
  const parts = { config, leadership, over: over.signal, following, observers };
  const stop = await lead(options, parts, signal).catch(async (error: unknown) => {
    if (signal.aborted) return undefined;
    await leadership.release();
    throw error;
  });
  isReady = true;
  await aborted(signal);
  log.info({ reason: messageOf(signal.reason) }, 'ending: work in flight is finished');
  await Promise.race([stop?.(), sleep(ENDS_AFTER_MS)]);
  // What still runs must not write when another one leads.
  over.abort(signal.reason);
  await leadership.release();
  process.exit(ending.signal.aborted ? 0 : 1);
}

/** Who observes what happens, for metrics and for the log. */
interface Observers {
  readonly program: ProgramMetrics;
  readonly controller: ControllerMetrics;
  readonly onRequest: RequestObserver;
}

function observe(config: KubeConfig): Observers {
  const program = new ProgramMetrics(programLog, VERSION);
  return {
    program,
    controller: new ControllerMetrics(program.metrics),
    onRequest: program.addRequests(hostOf(config)),
  };
}

async function waitToLead(
  { podName, namespace, leaseTimes: times }: Options,
  config: KubeConfig,
  { onRequest }: Observers,
  ending: AbortSignal,
): Promise<Leadership> {
  const options = { config, podName, namespace, times, log, observe: onRequest };
  try {
    return await acquireLeadership(options, ending);
  } catch (error) {
    if (ending.aborted) process.exit(0);
    throw error;
  }
}

interface Parts {
  readonly config: KubeConfig;
  readonly leadership: Leadership;
  /** Aborted when nothing may be written any more. */
  readonly over: AbortSignal;
  /** Called with what is followed from then on. */
  readonly following: (cluster: Cluster, northbound?: OpenNorthbound) => void;
  readonly observers: Observers;
}

/** @returns ends the work */
async function lead(
  options: Options,
  { config, leadership, over, following, observers }: Parts,
  signal: AbortSignal,
): Promise<() => Promise<unknown>> {
  const { settings, podName: reportingInstance } = options;
  const { onRequest } = observers;
  const cluster = createCluster({ config, settings, log, observe: onRequest });
  const machines = new Machines(cluster, settings);
  const indexes = {
    machines,
    podIndex: new PodIndex(cluster, settings, machines),
    agentPods: new AgentPods(cluster.pods, settings),
    ipIndex: new IpIndex(cluster.ips, settings),
  };
  const api = new KubernetesApi(config, undefined, onRequest);
  const component = 'kube-ovn-controller';
  const reporter = { component, reportingComponent: component, reportingInstance };
  const events = new EventRecorder({ api, reporter, limits: EVENT_LIMITS, log });
  const writes = new LeaderWrites(api, leadership);
  following(cluster);
  cluster.start();
  await abortable(cluster.synced, signal);
  const begin = () =>
    untilDone(
      'cannot make the objects that a cluster begins with',
      () => bootstrap(options, cluster, writes),
      log,
      signal,
    );
  await begin();
  const { ipIndex } = indexes;
  const allocator = new Allocator();
  const addresses = new Addresses({ cluster, ipIndex, machines, allocator, settings, log });
  const northbound =
    options.northbound && northboundOfLeader(options.northbound, observers, leadership, over);
  following(cluster, northbound);
  const context: Context = {
    ...indexes,
    cluster,
    settings,
    addresses,
    ownerLock: new KeyedLock(),
    writes,
    events: new ObjectEvents(events),
    log,
    observerOf: (queue) => observers.controller.observerOf(queue),
    ...(northbound === undefined ? {} : { northbound }),
  };
  const leader = new Leader(context);
  observers.controller.follow({ cluster, allocator, queueFigures: () => leader.queueFigures() });
  leader.start();
  log.info({ lacks: cluster.lacks() }, 'all objects are followed');
  const beginAgain = () => {
    begin().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  };
  cluster.onAvailability(beginAgain);
  onReference(options, cluster, beginAgain);
  if (northbound !== undefined) followNorthbound(northbound, leader, signal, context);
  return async () => {
    await leader.stop();
    await events.idle;
    cluster.stop();
  };
}

/** Nothing is written without the Lease, and the session ends when that is lost. */
function northboundOfLeader(
  address: NorthboundAddress,
  { program }: Observers,
  leadership: Leadership,
  over: AbortSignal,
): OpenNorthbound {
  const signal = AbortSignal.any([leadership.lost, over]);
  const guard = () => {
    signal.throwIfAborted();
    leadership.throwIfLost();
  };
  const observe = program.onCommand;
  return openNorthbound({ address, log, signal, guard, observe });
}

/**
 * Cleans up the northbound database, and learns of what others do in it. Pods that need none of it
 * do not wait for it.
 */
function followNorthbound(
  northbound: OpenNorthbound,
  leader: Leader,
  signal: AbortSignal,
  context: Context,
): void {
  onDrift(northbound.state, (change) => {
    if (!signal.aborted) leader.drifted(change);
  });
  northbound.onBack(() => {
    if (!signal.aborted) leader.northboundBack();
  });
  const begin = async () => {
    await northbound.ready();
    leader.found();
    await removeLeftovers(northbound, context);
  };
  untilDone('cannot clean up the northbound database', begin, log, signal).catch(
    (error: unknown) => {
      if (!signal.aborted) throw error;
    },
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function detailsOf(error: unknown): unknown {
  return error instanceof Error && 'details' in error ? error.details : undefined;
}
