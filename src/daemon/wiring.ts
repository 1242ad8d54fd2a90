/**
 * The parts of the daemon, and which of them uses which.
 */
import { Slots } from '../common/concurrency/slots.ts';
import { hostOf, KubernetesApi, loadKubeConfig } from '../common/kubernetes/api.ts';
import { collectionPath, KINDS } from '../common/kubernetes/path.ts';
import { createContact, WatchCache } from '../common/kubernetes/watch-cache.ts';
import type { Logger } from '../common/log.ts';
import type { ProgramMetrics } from '../common/metrics/program-metrics.ts';
import { observed } from '../common/ovs-commands.ts';
import type { WorkQueueObserver } from '../common/reconcile/queue-figures.ts';
import { Queues } from '../common/reconcile/queues.ts';
import { projectVlan } from '../common/vlan.ts';
import { deletionsOf } from '../wire/paths.ts';
import type { Observers } from './call/observers.ts';
import type { Options } from './flags.ts';
import { LimitsFollower } from './limits/limits-follower.ts';
import { DeletedPods } from './model/deleted-pods.ts';
import { IP_NODE_LABEL, projectIp } from './model/ip.ts';
import { projectNode } from './model/node.ts';
import { projectPod } from './model/pod.ts';
import { projectService } from './model/service.ts';
import { projectSubnet } from './model/subnet.ts';
import { createIpv6Outage } from './netns/link.ts';
import { createIpOutage } from './nic/ip-object.ts';
import { NicRecords } from './nic/records.ts';
import { Abilities } from './node/abilities.ts';
import { AddressMonitor } from './node/address-monitor.ts';
import { bootId } from './node/boot-id.ts';
import { PrimaryNetwork } from './node/primary-network.ts';
import { ProviderBridges, projectCheckedNetwork } from './node/provider/provider-bridges.ts';
import { Tunnels } from './node/tunnels.ts';
import { Mirror } from './ovs/mirror.ts';
import { managementFolder, PacketSender } from './ovs/packet-out.ts';
import { OvsSession } from './ovs/session.ts';
import { createVsctl } from './ovs/vsctl.ts';
import { VswitchdControl } from './ovs/vswitchd-control.ts';
import { AttachmentQueue } from './ownership/attachment-queue.ts';
import { PortLocks } from './ownership/port-locks.ts';
import { SandboxOwnership } from './ownership/sandbox-ownership.ts';
import { createEventRecorder } from './report/event-recorder.ts';
import { PodEvents } from './report/pod-events.ts';
import { BridgeTables } from './underlay/bridge-tables.ts';
import { del } from './verbs/del.ts';
import { RecordedDels } from './verbs/recorded-dels.ts';

/** Each has up to three tools running: enough for two processors, and still first come first served. */
const NICS_AT_ONCE = 8;

/** All parts of a daemon, wired. */
export type Daemon = ReturnType<typeof wire>;

interface WireParts {
  readonly log: Logger;
  readonly program: ProgramMetrics;
  /** Also the observer of the runs of a work queue, by its name. */
  readonly observers: Observers & { observerOf(queue: string): WorkQueueObserver };
}

/** Makes the parts; none of them begins anything by itself. */
export function wire(options: Options, { log, program, observers }: WireParts) {
  const { ovsDatabase, nodeName } = options;
  const config = loadKubeConfig(options.kubeconfigPath);
  const observe = program.addRequests(hostOf(config));
  const api = new KubernetesApi(config, undefined, observe);
  const ovs = new OvsSession({ database: ovsDatabase, log });
  const { interfaces, bridges, root } = ovs;
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
  const forever = new AbortController().signal;
  const { tunnel: settings } = options;
  const addresses = new AddressMonitor(log);
  const tunnels = new Tunnels({
    ...{ settings, nodeName, node, ovs, bridges, root, vsctl, addresses, log },
  });
  const { mirrorInterface: name, mirrorAll: all } = options;
  const isOnDemand = !options.isPrimary;
  const mirror = new Mirror({ ovs, vsctl, interfaces, bridges, name, all, isOnDemand, log });
  const events = createEventRecorder({ api, nodeName, log });
  const podEvents = new PodEvents({ events, pods, nodeName });
  const queue = new AttachmentQueue();
  const locks = new PortLocks();
  const queues = new Queues({ log, observerOf: (queueName) => observers.observerOf(queueName) });
  const ips = new WatchCache({
    ...followed,
    path: collectionPath(KINDS.ips),
    labelSelector: `${IP_NODE_LABEL}=${nodeName}`,
    project: projectIp,
  });
  /** Followed from when there is a provider network. */
  const vlans = new WatchCache({
    ...followed,
    path: collectionPath(KINDS.vlans),
    project: projectVlan,
  });
  const providerBridges = new ProviderBridges({
    ...{ api, node, pods, nodeName, ovs, root, bridges, interfaces, vsctl, addresses },
    ...{ tunnels, events, queues, log, boot: bootId() },
    networks: new WatchCache({
      ...followed,
      path: collectionPath(KINDS.providerNetworks),
      // A bridge of which an older list does not know the object would be removed.
      isFresh: true,
      project: projectCheckedNetwork,
    }),
    vlans,
    ownPod: options.ownPod,
    macLearningFallback: options.macLearningFallback,
  });
  const subnets = new WatchCache({
    ...followed,
    path: collectionPath(KINDS.subnets),
    project: projectSubnet,
  });
  const bridgeTables = new BridgeTables({
    ...{ subnets, vlans, ovs, interfaces, queues, log },
    services: new WatchCache({
      ...followed,
      path: collectionPath(KINDS.services),
      project: projectService,
    }),
    control: new VswitchdControl(ovsDatabase),
    socketFolder: managementFolder(ovsDatabase),
  });
  const parts = {
    nodeName,
    api,
    /** Pods of this node, by `namespace/name`. */
    pods,
    deletedPods,
    /** By name. */
    subnets,
    bridgeTables,
    /** Those that name this node, by name; none where the daemon's role does not let it follow them. */
    ips,
    /** What the cluster has recorded of the NICs of `pods`, read one at a time. */
    records: new NicRecords({ api, pods, ips }),
    /** This node only. */
    node,
    /** An OVSDB remote. */
    ovsDatabase,
    /** Reads and follows OVS's database. */
    ovs,
    /** Changes it. */
    vsctl,
    interfaces,
    bridges,
    mirror,
    packets: new PacketSender({ database: ovsDatabase, log }),
    recordedDels: new RecordedDels({
      directory: deletionsOf(options.socketPath),
      del: async (request): Promise<void> =>
        podEvents.removed(request, await del(request, parts))(),
      ready: () => interfaces.until(() => interfaces.isLive || undefined, forever),
      log,
    }),
    events,
    podEvents,
    ipOutage: createIpOutage(log),
    ipv6Outage: createIpv6Outage(log),
    limits: new LimitsFollower({
      ...{ pods, ovs, interfaces, vsctl, queue, locks, mirror, events, log, queues },
    }),
    queue,
    /** Work that goes on beside calls. */
    queues,
    sandboxes: new SandboxOwnership(),
    nicSlots: new Slots(NICS_AT_ONCE),
    locks,
    tunnels,
    providerBridges,
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
  return parts;
}
