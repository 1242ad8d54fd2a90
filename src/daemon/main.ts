/**
 * kube-ovn-cni: parses flags, wires the parts, listens, and ends on a signal. Nothing else; or runs
 * a command, where the first argument names one.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedLock } from '../common/concurrency/keyed-lock.ts';
import { Slots } from '../common/concurrency/slots.ts';
import { AccessReview } from '../common/http/access-review.ts';
import { healthHandler } from '../common/http/health-server.ts';
import { HealthServers } from '../common/http/health-servers.ts';
import { hostOf, KubernetesApi, loadKubeConfig } from '../common/kubernetes/api.ts';
import { collectionPath, KINDS } from '../common/kubernetes/path.ts';
import { createContact, WatchCache } from '../common/kubernetes/watch-cache.ts';
import { errorFields } from '../common/log.ts';
import { watchEventLoop } from '../common/loop-delay.ts';
import { ProgramMetrics } from '../common/metrics/program-metrics.ts';
import { observed } from '../common/ovs-commands.ts';
import { surviveStrayRejections } from '../common/process/stray-rejections.ts';
import { createProgramLog, levelOfVerbosity } from '../common/program-log.ts';
import { messageOf } from '../common/text.ts';
import { deletionsOf } from '../wire/paths.ts';
import { questionOf } from '../wire/version.ts';
import { buildApp } from './app.ts';
import { tryAgain } from './call/error.ts';
import type { Observers } from './call/observers.ts';
import { Connections } from './connections.ts';
import type { Context } from './context.ts';
import { DRAIN_USAGE, type DrainResult, drain } from './drain.ts';
import { type Options, parseFlags } from './flags.ts';
import { Sweeper } from './garbage/sweeper.ts';
import { answerTo } from './help.ts';
import { limitsCommand } from './limits/command.ts';
import { LimitsFollower } from './limits/limits-follower.ts';
import { DeletedPods } from './model/deleted-pods.ts';
import { IP_NODE_LABEL, projectIp } from './model/ip.ts';
import { projectNode } from './model/node.ts';
import { projectPod } from './model/pod.ts';
import { projectSubnet } from './model/subnet.ts';
import { createIpv6Outage } from './netns/link.ts';
import { createIpOutage } from './nic/ip-object.ts';
import { NicRecords } from './nic/records.ts';
import { Abilities } from './node/abilities.ts';
import { announceChassis } from './node/chassis.ts';
import { warnOfConfigurations } from './node/configuration-warning.ts';
import { PrimaryNetwork } from './node/primary-network.ts';
import { disableTunnelOffload } from './node/tunnel-offload.ts';
import { Tunnels } from './node/tunnels.ts';
import { Mirror } from './ovs/mirror.ts';
import { PacketSender } from './ovs/packet-out.ts';
import { INTERFACE_COLUMNS } from './ovs/port.ts';
import { OvsTable } from './ovs/table.ts';
import { createVsctl } from './ovs/vsctl.ts';
import { AttachmentQueue } from './ownership/attachment-queue.ts';
import { Succession } from './ownership/sandbox-ownership.ts';
import { createEventRecorder } from './report/event-recorder.ts';
import { healthSources } from './report/health.ts';
import { DaemonMetrics } from './report/metrics.ts';
import { PodEvents } from './report/pod-events.ts';
import { listenOnSocket } from './socket.ts';
import { del } from './verbs/del.ts';
import { Deletions } from './verbs/recorded-dels.ts';

const programLog = createProgramLog();
const { log, toFile } = programLog;
surviveStrayRejections(log);

/** Each has up to three tools running: enough for two processors, and still first come first served. */
const NICS_AT_ONCE = 8;
/** How long ADDs in flight may go on when the daemon ends; ms. */
const ADDS_END_AFTER_MS = 15_000;
/** How long events may hold up the daemon's end; ms. */
const EVENTS_END_AFTER_MS = 2000;
const ENDING = tryAgain('the daemon is ending', 'the runtime tries again when it is back');

const [command, ...args] = process.argv.slice(2);
const question = questionOf(process.argv.slice(2));
if (command === 'limits') {
  finish(limitsCommand(args, process.env));
} else if (command === 'drain') {
  finish(drainCommand(args));
} else if (question !== undefined) {
  console.log(answerTo(question));
} else {
  start().catch((error) => {
    log.fatal({ error: messageOf(error) }, 'cannot start');
    process.exit(1);
  });
}

/** Prints what a command has to say, and ends the process as it says. */
function finish(result: Promise<{ output: string; exitCode: number }>): void {
  result.then(
    ({ output, exitCode }) => {
      console.log(output);
      process.exit(exitCode);
    },
    (error) => {
      console.error(messageOf(error));
      process.exit(2);
    },
  );
}

async function drainCommand(words: readonly string[]): Promise<DrainResult> {
  if (words.includes('--help') || words.includes('-h')) return { output: DRAIN_USAGE, exitCode: 0 };
  const options = parseFlags(words, process.env);
  log.level = 'warn';
  const program = new ProgramMetrics(programLog);
  const observers = new DaemonMetrics(program.metrics, options.nodeName);
  return await drain(options, wire(options, program, observers));
}

async function start(): Promise<void> {
  const options = parseFlags(process.argv.slice(2), process.env);
  log.level = levelOfVerbosity(options.verbosity);
  if (options.logFile !== undefined) toFile(options.logFile);
  if (options.ignored.length > 0) log.warn({ flags: options.ignored }, 'flags without effect here');
  const program = new ProgramMetrics(programLog);
  const metrics = new DaemonMetrics(program.metrics, options.nodeName);
  watchEventLoop(log, program.onLoopDelay);
  const context = wire(options, program, metrics);
  metrics.follow(context);
  const { pods, subnets, ips, records, node, interfaces, bridges } = context;
  const { mirror, deletions, limits, events, tunnels } = context;
  const sweeper = new Sweeper(context);
  for (const part of [records, pods, subnets, ips, node, interfaces, bridges]) part.start();
  await deletions.start();
  for (const failure of context.abilities.failures()) {
    log.error({}, `no ADD of an interface can be served: ${failure}`);
  }
  const app = buildApp(context, log);
  const connections = new Connections(app);
  const hide = await listenOnSocket(app, options.socketPath);
  tunnels.start();
  const health = serveHealth(options, context, program);
  sweeper.start();
  mirror.start();
  limits.start();
  void announceChassis(context);
  warnOfConfigurations(context);
  const stopping = new AbortController();
  disableTunnelOffload({ settings: options.tunnel, interfaces, log }, stopping.signal);

  const stop = async (signal: string) => {
    log.info({ signal }, 'ending: calls in flight are finished, new ones refused');
    // kubelet kills us after 30 s: an ADD that still waits then must have been undone.
    const timer = setTimeout(() => {
      context.queue.abortAdds(ENDING);
      deletions.stop();
    }, ADDS_END_AFTER_MS);
    await hide();
    await connections.end();
    await app.close();
    clearTimeout(timer);
    stopping.abort(new Error('the daemon is ending'));
    for (const part of [sweeper, mirror, limits, deletions, tunnels]) part.stop();
    await Promise.race([events.idle, sleep(EVENTS_END_AFTER_MS)]);
    await health?.stop();
    const parts = [records, pods, subnets, ips, node, interfaces, bridges];
    for (const part of parts) part.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop(signal).then(
        () => process.exit(0),
        (error) => {
          log.error(
            errorFields(error),
            'ending failed: what is left undone is found at the next start',
          );
          process.exit(1);
        },
      );
    });
  }
  log.info({ socket: options.socketPath, node: options.nodeName }, 'ready for CNI calls');
}

/** For the kubelet, Prometheus and people; it holds up nothing, whatever becomes of it. */
function serveHealth(
  options: Options,
  context: Context,
  program: ProgramMetrics,
): HealthServers | undefined {
  const { socketPath, health } = options;
  const { port, addresses, tls, hasMetrics } = health;
  if (port === 0) return undefined;
  const review = tls === undefined ? undefined : new AccessReview(context.api, log);
  const sources = healthSources(context, {
    socketPath,
    ...(hasMetrics ? { metrics: () => program.expose() } : {}),
    ...(review && { authorize: (request, signal) => review.decide(request, signal) }),
  });
  const commonName = 'kube-ovn-cni';
  const more = tls === undefined ? {} : { tls };
  return new HealthServers(healthHandler(sources), { port, addresses, commonName, log, ...more });
}

function wire(options: Options, program: ProgramMetrics, observers: Observers): Context {
  const { ovsDatabase, nodeName } = options;
  const config = loadKubeConfig(options.kubeconfigPath);
  const observe = program.addRequests(hostOf(config));
  const api = new KubernetesApi(config, undefined, observe);
  const table = (name: string, columns: readonly string[]) =>
    new OvsTable({ database: ovsDatabase, table: name, columns, log });
  const vsctl = observed('ovsdb', createVsctl(ovsDatabase), program.onCommand);
  const followed = { config, contact: createContact(log), log, observe };
  const pods = new WatchCache({
    ...followed,
    path: collectionPath(KINDS.pods),
    fieldSelector: `spec.nodeName=${nodeName}`,
    project: projectPod,
  });
  const deletedPods = new DeletedPods();
  pods.onChange(deletedPods.onChange);
  const node = new WatchCache({
    ...followed,
    path: collectionPath(KINDS.nodes),
    fieldSelector: `metadata.name=${nodeName}`,
    project: projectNode,
  });
  const bridges = table('Bridge', ['name', 'datapath_type']);
  const forever = new AbortController().signal;
  const tunnels = new Tunnels({ settings: options.tunnel, nodeName, node, bridges, vsctl, log });
  const interfaces = table('Interface', INTERFACE_COLUMNS);
  const { mirrorInterface: name, mirrorAll: all } = options;
  const isOnDemand = !options.isPrimary;
  const mirror = new Mirror({ vsctl, interfaces, bridges, name, all, isOnDemand, log });
  const events = createEventRecorder({ api, nodeName, log });
  const podEvents = new PodEvents({ events, pods, nodeName });
  const queue = new AttachmentQueue();
  const portLock = new KeyedLock();
  const ips = new WatchCache({
    ...followed,
    path: collectionPath(KINDS.ips),
    labelSelector: `${IP_NODE_LABEL}=${nodeName}`,
    project: projectIp,
  });
  const context: Context = {
    nodeName,
    api,
    pods,
    deletedPods,
    subnets: new WatchCache({
      ...followed,
      path: collectionPath(KINDS.subnets),
      project: projectSubnet,
    }),
    ips,
    records: new NicRecords({ api, pods, ips }),
    node,
    ovsDatabase,
    vsctl,
    interfaces,
    bridges,
    mirror,
    packets: new PacketSender({ database: ovsDatabase, log }),
    deletions: new Deletions({
      directory: deletionsOf(options.socketPath),
      del: async (request) => podEvents.removed(request, await del(request, context))(),
      ready: () => interfaces.until(() => interfaces.isLive || undefined, forever),
      log,
    }),
    events,
    podEvents,
    ipOutage: createIpOutage(log),
    ipv6Outage: createIpv6Outage(log),
    limits: new LimitsFollower({ pods, interfaces, vsctl, queue, portLock, mirror, events, log }),
    queue,
    succession: new Succession(),
    nicSlots: new Slots(NICS_AT_ONCE),
    portLock,
    tunnels,
    addTimeoutMs: options.addTimeoutMs,
    detectIpv4Conflict: options.detectIpv4Conflict,
    abilities: new Abilities(),
    primary: new PrimaryNetwork({
      isPrimary: options.isPrimary,
      configFolder: options.cniConfigFolder,
    }),
    log,
    observers,
  };
  return context;
}
