/**
 * kube-ovn-cni: parses flags, wires the parts, listens, and ends on a signal. Nothing else.
 */
import pino from 'pino';
import { buildApp } from './app.ts';
import { AttachmentQueue } from './concurrency/attachment-queue.ts';
import { KeyedLock } from './concurrency/keyed-lock.ts';
import { untilDone } from './concurrency/retry.ts';
import type { Context } from './context.ts';
import { messageOf, tryAgain } from './error.ts';
import { type Options, parseFlags } from './flags.ts';
import { KubernetesApi, loadKubeConfig } from './kubernetes/api.ts';
import { WatchCache } from './kubernetes/watch-cache.ts';
import { announceChassis, settleTunnel } from './node-setup.ts';
import { DeletedPods } from './objects/deleted-pods.ts';
import { projectNode } from './objects/node.ts';
import { projectPod } from './objects/pod.ts';
import { projectSubnet } from './objects/subnet.ts';
import { INTERFACE_COLUMNS } from './ovs/port.ts';
import { OvsTable } from './ovs/table.ts';
import { createVsctl } from './ovs/vsctl.ts';
import { listenOnSocket } from './socket.ts';

const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });

/** How long ADDs in flight may go on when the daemon ends; ms. */
const ADDS_END_AFTER_MS = 15_000;
const ENDING = tryAgain('the daemon is ending', 'the runtime tries again when it is back');

start().catch((error) => {
  log.fatal({ error: messageOf(error) }, 'cannot start');
  process.exit(1);
});

async function start(): Promise<void> {
  const options = parseFlags(process.argv.slice(2), process.env);
  if (options.ignored.length > 0) log.warn({ flags: options.ignored }, 'flags without effect here');
  const context = wire(options);
  const { pods, subnets, node, interfaces, bridges } = context;
  const live = [pods, subnets, node, interfaces, bridges];
  for (const part of live) part.start();
  const app = buildApp(context, log);
  await listenOnSocket(app, options.socketPath);
  log.info({ socket: options.socketPath, node: options.nodeName }, 'ready for CNI calls');
  void announceChassis(context);

  const stop = async (signal: string) => {
    log.info({ signal }, 'ending: calls in flight are finished, new ones refused');
    // kubelet kills us after 30 s: an ADD that still waits then must have been undone.
    const timer = setTimeout(() => context.queue.abortAdds(ENDING), ADDS_END_AFTER_MS);
    await app.close();
    clearTimeout(timer);
    for (const part of live) part.stop();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void stop(signal).then(() => process.exit(0)));
  }
}

function wire(options: Options): Context {
  const { ovsDatabase, nodeName } = options;
  const config = loadKubeConfig(options.kubeconfigPath);
  const api = new KubernetesApi(config);
  const table = (name: string, columns: readonly string[]) =>
    new OvsTable({ database: ovsDatabase, table: name, columns, log });
  const vsctl = createVsctl(ovsDatabase);
  const pods = new WatchCache({
    config,
    path: '/api/v1/pods',
    fieldSelector: `spec.nodeName=${nodeName}`,
    project: projectPod,
    log,
  });
  const deletedPods = new DeletedPods();
  pods.onChange(deletedPods.onChange);
  const node = new WatchCache({
    config,
    path: '/api/v1/nodes',
    fieldSelector: `metadata.name=${nodeName}`,
    project: projectNode,
    log,
  });
  const bridges = table('Bridge', ['name', 'datapath_type']);
  const forever = new AbortController().signal;
  const nodeAddress = () => node.until(() => node.get(nodeName)?.internalAddress, forever);
  const settle = () => settleTunnel({ ...options, vsctl, nodeAddress });
  const tunnelMtu = bridges
    .synced(forever)
    .then(() => untilDone("cannot set up this node's tunnels", settle, log));
  return {
    nodeName,
    api,
    pods,
    deletedPods,
    subnets: new WatchCache({
      config,
      path: '/apis/kubeovn.io/v1/subnets',
      project: projectSubnet,
      log,
    }),
    node,
    vsctl,
    interfaces: table('Interface', INTERFACE_COLUMNS),
    bridges,
    queue: new AttachmentQueue(),
    portLock: new KeyedLock(),
    tunnelMtu,
    addTimeoutMs: options.addTimeoutMs,
    detectIpv4Conflict: options.detectIpv4Conflict,
    log,
  };
}
