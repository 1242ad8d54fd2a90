/**
 * A node that is none: tools that only write down how they were called and say yes, a database that
 * takes every port, and pods that are there. What the daemon tells them is checked, each word.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Condition } from '../../src/common/concurrency/condition.ts';
import { Slots } from '../../src/common/concurrency/slots.ts';
import type { Logger } from '../../src/common/log.ts';
import { TOOL_ENVIRONMENT } from '../../src/common/process/group.ts';
import type { AppParts } from '../../src/daemon/app.ts';
import { DeletedPods } from '../../src/daemon/model/deleted-pods.ts';
import { type Ip, projectIp } from '../../src/daemon/model/ip.ts';
import { type Node, projectNode } from '../../src/daemon/model/node.ts';
import { type Pod, podKey, projectPod } from '../../src/daemon/model/pod.ts';
import { projectSubnet, type Subnet } from '../../src/daemon/model/subnet.ts';
import { createIpv6Outage } from '../../src/daemon/netns/link.ts';
import { PrimaryNetwork } from '../../src/daemon/node/primary-network.ts';
import { AttachmentQueue } from '../../src/daemon/ownership/attachment-queue.ts';
import { PortLocks } from '../../src/daemon/ownership/port-locks.ts';
import { SandboxOwnership } from '../../src/daemon/ownership/sandbox-ownership.ts';
import { type PodEventParts, PodEvents } from '../../src/daemon/report/pod-events.ts';
import { type Said, stateOf } from '../unit/daemon/ovs/rows.ts';
import { CommandLog } from './command-log.ts';
import { checkToolRun } from './oracles/command-lines.ts';
import { must } from './oracles/types.ts';
import { checkVsctlCommands } from './oracles/vsctl-commands.ts';
import { tableOf } from './ovs-rows.ts';
import type { Texts } from './values/objects.ts';

/** Longer than a wait needs that ends; ms. */
const ADD_TIMEOUT_MS = 25;

/** What the node is like during one case. */
export interface NodeState {
  readonly annotations: Texts;
  readonly subnet: unknown;
  readonly node: unknown;
  readonly rows: readonly Said<'Interface'>[];
}

/** Pods that requests are about (values/texts.ts). */
const POD_NAMES = ['shop', 'default'].flatMap((namespace) =>
  ['web-0', 'a', 'web-0.example', 'vm-1'].map((name) => ({ namespace, name })),
);

/** The virtual machine that pods run whose annotations say one. */
const MACHINE = {
  apiVersion: 'kubevirt.io/v1',
  kind: 'VirtualMachineInstance',
  name: 'vm-1',
  uid: 'uid-2',
};

/** Links of the node; two carry marks, of which one is nobody's. */
const LINKS = [
  { ifname: 'br-int' },
  { ifname: 'c0ffee01_net1_h', ifalias: 'kube-ovn/c0ffee01/net1/attachnet.default.ovn/net' },
  { ifname: 'x', ifalias: 'kube-ovn/a b/net1\n/ovn/net' },
];

/** What each tool prints; those that are not here print nothing. */
const ANSWERS: Readonly<Record<string, string>> = {
  ip: `case "$*" in *show*) printf '%s\\n' '${JSON.stringify(LINKS)}' ;; esac`,
  nsenter: `case "$*" in
  *'-json -batch'*) sed 's/.*/[]/' "$in" ;;
  *arping*) echo 'Unicast reply from 10.16.0.1' ;;
esac`,
  'ovs-vsctl': 'echo br-int',
  'ovs-appctl': 'echo connected',
};

/** Looks see no ports: what is there is in the replica. */
const BARE = stateOf({ Bridge: [{ name: 'br-int', datapath_type: 'netdev' }] });

export class FakeNode implements AsyncDisposable {
  readonly parts: AppParts;
  /** A network namespace that is no pod's, where this user can make one. */
  readonly netns: string | undefined;
  readonly #log: CommandLog;
  readonly #sandbox: ChildProcess | undefined;
  readonly #path = TOOL_ENVIRONMENT.PATH;
  /** What must not have happened. */
  readonly #faults: unknown[] = [];
  readonly #pods = cacheOf<Pod>();
  readonly #events = {
    record: (_: unknown, { message }: { message: string }) => {
      this.#attempt(() => must(Buffer.byteLength(message) <= 1024, 'an event is short', message));
    },
  };
  readonly #subnets = cacheOf<Subnet>();
  /** Those of the pods' annotations. */
  #addresses: string[] = [];
  readonly #node = cacheOf<Node>();

  private constructor(logger: Logger, sandbox: ChildProcess | undefined) {
    this.#sandbox = sandbox;
    this.netns = sandbox && `/proc/${sandbox.pid}/ns/net`;
    const directory = mkdtempSync(join(tmpdir(), 'kube-ovn-fuzz-'));
    this.#log = CommandLog.create(
      directory,
      ['ip', 'nsenter', 'ovs-vsctl', 'ovs-appctl'],
      (tool) => ANSWERS[tool] ?? '',
      ':/usr/bin:/bin',
    );
    TOOL_ENVIRONMENT.PATH = this.#log.path;
    // By these OVS's programs are found; their scripts need no control socket.
    for (const name of ['ovs-vswitchd', 'ovn-controller']) {
      writeFileSync(join(directory, `${name}.pid`), '1\n');
    }
    const parts = {
      nodeName: 'node-1',
      api: {
        get: async () => ({ metadata: { uid: MACHINE.uid } }),
        mergePatch: async (path: string) => {
          this.#attempt(() => must(/^\/apis\/[\w./@+~-]+$/.test(path), 'a path is one', path));
        },
      },
      pods: this.#pods,
      deletedPods: new DeletedPods(),
      subnets: this.#subnets,
      ips: { ...cacheOf<Ip>(), get: (name: string) => this.#ipOf(name) },
      node: this.#node,
      ovsDatabase: `unix:${directory}/db.sock`,
      vsctl: async (commands: readonly string[]) => this.#transact(commands),
      ovs: { isLive: true, fresh: async () => BARE },
      interfaces: tableOf('Interface', []),
      bridges: tableOf('Bridge', [{ name: 'br-int', datapath_type: 'netdev' }]),
      packets: { send: async () => {} },
      mirror: { all: false, uuid: '00000001-0000-4000-8000-000000000000' },
      ipv6Outage: createIpv6Outage(logger),
      limits: { made: () => {}, settled: async () => {} },
      recordedDels: { done: async () => {} },
      podEvents: new PodEvents({
        events: this.#events,
        pods: this.#pods,
        nodeName: 'node-1',
      } as unknown as PodEventParts),
      queue: new AttachmentQueue(),
      sandboxes: new SandboxOwnership(),
      nicSlots: new Slots(8),
      locks: new PortLocks(),
      tunnels: { mtu: async () => 1400 },
      addTimeoutMs: ADD_TIMEOUT_MS,
      detectIpv4Conflict: true,
      primary: new PrimaryNetwork({ isPrimary: true, configFolder: '/etc/cni/net.d' }),
      log: logger,
    };
    this.parts = parts as unknown as AppParts;
  }

  static async start(logger: Logger): Promise<FakeNode> {
    return new FakeNode(logger, await startSandbox());
  }

  /** What there is from now on. */
  set({ annotations, subnet, node, rows }: NodeState): void {
    const pods = POD_NAMES.map(({ namespace, name }) =>
      projectPod({
        metadata: { namespace, name, uid: 'uid-1', annotations, ownerReferences: [MACHINE] },
      }),
    );
    this.#addresses = Object.entries(annotations)
      .filter(([key]) => key.endsWith('/ip_address'))
      .map(([, value]) => value.replaceAll(/\/\d+/g, ''));
    this.#pods.objects = new Map(pods.map((pod) => [podKey(pod.namespace, pod.name), pod]));
    const own = projectSubnet(subnet);
    this.#subnets.objects = new Map(['ovn-default', 'subnet-1'].map((name) => [name, own]));
    this.#node.objects = new Map([['node-1', projectNode(node)]]);
    Object.assign(this.parts, { interfaces: tableOf('Interface', rows) });
  }

  /** @throws Error for a command line, a transaction or a path that is not of its grammar */
  checkDone(): void {
    for (const run of this.#log.take()) this.#attempt(() => checkToolRun(run));
    const [fault] = this.#faults.splice(0);
    if (fault !== undefined) throw fault;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    TOOL_ENVIRONMENT.PATH = this.#path;
    this.#sandbox?.kill('SIGKILL');
    this.#log[Symbol.dispose]();
  }

  /** The cluster confirms whatever is annotated. */
  #ipOf(name: string): Ip | undefined {
    const pod = POD_NAMES.toSorted((one, other) => other.name.length - one.name.length).find(
      (each) => `${name}.`.startsWith(`${each.name}.${each.namespace}.`),
    );
    if (pod === undefined) return undefined;
    const spec = {
      podName: pod.name,
      namespace: pod.namespace,
      ipAddress: this.#addresses.join(','),
      podType: pod.name === MACHINE.name ? 'VirtualMachine' : '',
    };
    return projectIp({ metadata: { name }, spec });
  }

  /** The daemon makes an error of a fault; so it is kept. */
  #attempt(check: () => void): void {
    try {
      check();
    } catch (fault) {
      this.#faults.push(fault);
    }
  }

  /** Takes new ports; has none of before. */
  #transact(words: readonly string[]): string {
    this.#attempt(() => checkVsctlCommands(words));
    const created = words.indexOf('--id=@interface');
    if (created >= 0) {
      const name = JSON.parse(words[created + 3]?.slice('name='.length) ?? '""');
      const id = words.find((word) => word.startsWith('external_ids:iface-id=')) ?? '=""';
      const ifaceId = JSON.parse(id.slice(id.indexOf('=') + 1));
      const external_ids = { 'iface-id': ifaceId, 'ovn-installed': 'true' };
      const rows = [...this.parts.interfaces.rows.values(), { name, external_ids }];
      Object.assign(this.parts, { interfaces: tableOf('Interface', rows) });
    }
    return '';
  }
}

/** A process in a network namespace of its own; it ends with its input, so with us. */
async function startSandbox(): Promise<ChildProcess | undefined> {
  const child = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const isThere = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(false));
    child.stdout.once('data', () => resolve(true));
  });
  return isThere ? child : undefined;
}

/** Objects in the place of a WatchCache's, which a server feeds. */
function cacheOf<T>() {
  const condition = new Condition();
  return {
    objects: new Map<string, T>(),
    synced: Promise.resolve(),
    isSynced: true,
    msSinceContact: 0,
    get(key: string): T | undefined {
      return this.objects.get(key);
    },
    values(): IterableIterator<T> {
      return this.objects.values();
    },
    onChange: () => () => {},
    until: <R>(evaluate: () => R | undefined, signal: AbortSignal) =>
      condition.until(evaluate, signal),
  };
}
