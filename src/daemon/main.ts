/**
 * kube-ovn-cni: parses flags, wires the parts, listens, and ends on a signal. Nothing else; or runs
 * a command, where the first argument names one.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { AccessReview } from '../common/http/access-review.ts';
import { healthHandler } from '../common/http/health-server.ts';
import { HealthServers } from '../common/http/health-servers.ts';
import { errorFields } from '../common/log.ts';
import { watchEventLoop } from '../common/loop-delay.ts';
import { ProgramMetrics } from '../common/metrics/program-metrics.ts';
import { surviveStrayRejections } from '../common/process/stray-rejections.ts';
import { createProgramLog, levelOfVerbosity } from '../common/program-log.ts';
import { messageOf } from '../common/text.ts';
import { questionOf, VERSION } from '../wire/version.ts';
import { buildApp } from './app.ts';
import { tryAgain } from './call/error.ts';
import { Connections } from './connections.ts';
import { DRAIN_USAGE, type DrainResult, drain } from './drain.ts';
import { type Options, parseFlags } from './flags.ts';
import { Sweeper } from './garbage/sweeper.ts';
import { answerTo } from './help.ts';
import { limitsCommand } from './limits/command.ts';
import { announceChassis } from './node/chassis.ts';
import { warnOfConfigurations } from './node/configuration-warning.ts';
import { rotateLogsHourly } from './node/log-rotation.ts';
import { disableTunnelOffload } from './node/tunnel-offload.ts';
import { healthSources } from './report/health.ts';
import { DaemonMetrics } from './report/metrics.ts';
import { listenOnSocket, tryConnect } from './socket.ts';
import { type Daemon, wire } from './wiring.ts';

const programLog = createProgramLog();
const { log, toFile } = programLog;
surviveStrayRejections(log);

/** How long ADDs in flight may go on when the daemon ends; ms. */
const ADDS_END_AFTER_MS = 15_000;
/** How long events may hold up the daemon's end; ms. */
const EVENTS_END_AFTER_MS = 2000;
const ENDING = tryAgain('the daemon is ending', 'the runtime tries again when it is back');

const [command, ...args] = process.argv.slice(2);
const question = questionOf(process.argv.slice(2));
if (command === 'limits') {
  finish(limitsCommand(args, (flags) => parseFlags(flags, process.env)));
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
  const program = new ProgramMetrics(programLog, VERSION);
  const observers = new DaemonMetrics(program.metrics, options.nodeName);
  return await drain(options, wire(options, { log, program, observers }));
}

async function start(): Promise<void> {
  const options = parseFlags(process.argv.slice(2), process.env);
  log.level = levelOfVerbosity(options.verbosity);
  if (options.logFile !== undefined) toFile(options.logFile);
  if (options.ignored.length > 0) log.warn({ flags: options.ignored }, 'flags without effect here');
  const program = new ProgramMetrics(programLog, VERSION);
  const metrics = new DaemonMetrics(program.metrics, options.nodeName);
  watchEventLoop(log, program.onLoopDelay);
  const daemon = wire(options, { log, program, observers: metrics });
  metrics.follow(daemon);
  const { pods, subnets, ips, records, node, ovs, interfaces } = daemon;
  const { mirror, recordedDels, limits, events, tunnels } = daemon;
  const { providerBridges, bridgeTables } = daemon;
  const sweeper = new Sweeper(daemon);
  for (const part of [records, pods, subnets, ips, node, ovs]) part.start();
  await recordedDels.start();
  for (const failure of daemon.abilities.failures()) {
    log.error({}, `no ADD of an interface can be served: ${failure}`);
  }
  const app = buildApp(daemon, log);
  const connections = new Connections(app);
  const hide = await listenOnSocket(app, options.socketPath);
  tunnels.start();
  const health = serveHealth(options, daemon, program);
  sweeper.start();
  mirror.start();
  limits.start();
  providerBridges.start();
  bridgeTables.start();
  void announceChassis(daemon);
  warnOfConfigurations(daemon);
  const stopping = new AbortController();
  void rotateLogsHourly(log, stopping.signal);
  disableTunnelOffload({ settings: options.tunnel, interfaces, log }, stopping.signal);

  const stop = async (signal: string) => {
    log.info({ signal }, 'ending: calls in flight are finished, new ones refused');
    // kubelet kills us after 30 s: an ADD that still waits then must have been undone.
    const timer = setTimeout(() => {
      daemon.queue.abortAdds(ENDING);
      recordedDels.stop();
    }, ADDS_END_AFTER_MS);
    await hide();
    await connections.end();
    await app.close();
    clearTimeout(timer);
    stopping.abort(new Error('the daemon is ending'));
    const onBridges = [providerBridges, bridgeTables];
    const followers = [sweeper, mirror, limits, recordedDels, tunnels, ...onBridges];
    for (const part of followers) part.stop();
    await Promise.race([events.idle, sleep(EVENTS_END_AFTER_MS)]);
    await health?.stop();
    for (const part of [records, pods, subnets, ips, node, ovs]) part.stop();
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
  // Whether or not probes are answered yet: a daemon that ends late has their port until then.
  log.info({ socket: options.socketPath, node: options.nodeName }, 'ready for CNI calls');
}

/** For the kubelet, Prometheus and people; it holds up nothing, whatever becomes of it. */
function serveHealth(
  options: Options,
  daemon: Daemon,
  program: ProgramMetrics,
): HealthServers | undefined {
  const { socketPath, health } = options;
  const { port, addresses, tls, hasMetrics } = health;
  if (port === 0) return undefined;
  const review = tls === undefined ? undefined : new AccessReview(daemon.api, log);
  const sources = healthSources(daemon, {
    socketPath,
    connect: tryConnect,
    ...(hasMetrics ? { metrics: () => program.expose() } : {}),
    ...(review && { authorize: (request, signal) => review.decide(request, signal) }),
  });
  const commonName = 'kube-ovn-cni';
  const more = tls === undefined ? {} : { tls };
  return new HealthServers(healthHandler(sources), { port, addresses, commonName, log, ...more });
}
