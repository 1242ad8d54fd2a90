/**
 * The image of the component ovn (deploy/components/ovn): its pods as a kubelet starts them, on one
 * node with an OVS and databases of its own, until packets pass between two ports; a backup, and their
 * end. OVS's datapath is that in user space, which needs one device: it does not ask for a kernel
 * with the module openvswitch.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChartPod } from '../../test/lab/chart-pods.ts';
import { command } from '../../test/lab/command.ts';
import { containerOf, rendered, whyNotRendered } from '../../test/process/deploy/rendered.ts';
import { readArchive } from '../image/oci-archive.ts';
import { checkConfinement } from './confinement.ts';
import { Containerd, type ContainerSpec, type RunningContainer } from './containerd.ts';
import { podOf } from './deployed.ts';
import { mustProbe } from './exec-probe.ts';
import type { Outcomes } from './outcomes.ts';
import { type PodSurroundings, specOf } from './pods.ts';

/** Of deploy/: one that has the component. */
const INSTALLATION = 'overlays/non-primary';
const NODE_ADDRESS = '10.0.0.1';
const BACKUPS = '/var/backups/ovn';
/** kubelet kills what takes longer. */
const ENDS_WITHIN_MS = 30_000;

/** 128 + SIGTERM: OVS's servers clean up, and then let the signal end them (lib/fatal-signal.c). */
const ENDED: readonly (number | null)[] = [0, 143];

/** What each container writes into its log when it works. */
const WORKS: Readonly<Record<string, string>> = {
  'ovn-nb': 'ovsdb-server (Open vSwitch)',
  'ovn-sb': 'ovsdb-server (Open vSwitch)',
  'ovn-northd': 'OVN NB IDL reconnected',
  'ovsdb-server': 'ovsdb-server (Open vSwitch)',
  openvswitch: 'ovs-vswitchd (Open vSwitch)',
  'ovn-controller': `tcp:[${NODE_ADDRESS}]:6642: connected`,
};

interface Stage {
  readonly containerd: Containerd;
  readonly image: string;
  readonly outcomes: Outcomes;
  readonly around: PodSurroundings;
  /** What runs, by the names of the containers. */
  readonly running: Map<string, RunningContainer>;
}

export async function checkOvn(archive: string, folder: string, outcomes: Outcomes): Promise<void> {
  if (whyNotRendered !== undefined) throw new Error(`deploy/ cannot be checked: ${whyNotRendered}`);
  await makeNode();
  await using containerd = await Containerd.start(join(folder, 'containerd'));
  const { Entrypoint = [] } = readArchive(archive).config.config;
  const stage: Stage = {
    containerd,
    image: await containerd.import(archive),
    outcomes,
    running: new Map(),
    around: {
      nodeName: 'node1',
      podName: 'ovn-x',
      nodeAddress: NODE_ADDRESS,
      hostFolder: join(folder, 'host'),
      entrypoint: Entrypoint,
      // A Service's variable, and what the ConfigMap ovn-databases may say.
      environment: { OVN_CENTRAL_SERVICE_HOST: NODE_ADDRESS, DATAPATH_TYPE: 'netdev' },
    },
  };
  const objects = rendered(INSTALLATION);
  const central = podOf(objects, 'Deployment', 'ovn-central');
  const node = podOf(objects, 'DaemonSet', 'ovs-ovn');
  await checkStart(stage, 'ovn-central', central);
  await checkDatabases(stage);
  await checkStart(stage, 'ovs-ovn', node);
  await checkPackets(stage, node);
  await checkBackup(stage, podOf(objects, 'CronJob', 'ovn-backup'));
  await checkEnd(stage);
}

/** What the pods find on a node; in private namespaces. */
async function makeNode(): Promise<void> {
  await command('ip', ['link', 'set', 'lo', 'up']);
  await command('ip', ['address', 'add', `${NODE_ADDRESS}/32`, 'dev', 'lo']);
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  for (const path of ['/run/netns', '/run/openvswitch']) await mkdir(path);
  await command('mount', ['--make-rshared', '/run']);
}

/** OVS's datapath in user space makes its bridges' own ports by this device. */
function withDevices(spec: ContainerSpec): ContainerSpec {
  return spec.name === 'openvswitch' ? { ...spec, devices: ['/dev/net/tun'] } : spec;
}

async function start({ containerd, image, around, running }: Stage, pod: ChartPod, name: string) {
  const container = pod.containers.find((one) => one.name === name);
  if (container === undefined) throw new Error(`the pod has no container ${name}`);
  const started = await containerd.start(image, withDevices(specOf(pod, container, around)));
  running.set(name, started);
  return started;
}

function of({ running }: Stage, name: string): RunningContainer {
  const found = running.get(name);
  if (found === undefined) throw new Error(`${name} does not run`);
  return found;
}

/** Starts all containers of a pod at once, as the kubelet does. */
async function checkStart(stage: Stage, title: string, pod: ChartPod): Promise<void> {
  console.log(`\n${title}`);
  for (const { name } of pod.containers) await start(stage, pod, name);
  for (const container of pod.containers) {
    const { name } = container;
    await stage.outcomes.check(`${name} works`, async () => {
      await of(stage, name).logged(WORKS[name] ?? '');
      return WORKS[name];
    });
    await checkConfinement(of(stage, name), container, stage.outcomes);
    for (const kind of ['livenessProbe', 'readinessProbe'] as const) {
      await stage.outcomes.check(`${kind} of ${name}`, () =>
        mustProbe(of(stage, name), containerOf(rendered(INSTALLATION), title, name)[kind]),
      );
    }
  }
}

const nbctl = (stage: Stage, ...words: readonly string[]) =>
  of(stage, 'ovn-nb').exec(['ovn-nbctl', '--timeout=50', ...words]);

const vsctl = (stage: Stage, ...words: readonly string[]) =>
  of(stage, 'openvswitch').exec(['ovs-vsctl', '--timeout=50', ...words]);

async function checkDatabases(stage: Stage): Promise<void> {
  const { outcomes } = stage;
  await outcomes.check('northd makes southbound rows of northbound ones', async () => {
    await nbctl(stage, '--wait=sb', 'ls-add', 'checked');
    const rows = await of(stage, 'ovn-sb').exec([
      ...['ovn-sbctl', '--bare', '--columns=external_ids', 'list', 'Datapath_Binding'],
    ]);
    if (!rows.includes('name=checked')) throw new Error(`southbound: ${rows}`);
    return undefined;
  });
  for (const [name, port, program] of [
    ['northbound', 6641, 'ovn-nbctl'],
    ['southbound', 6642, 'ovn-sbctl'],
  ]) {
    await outcomes.check(`the ${name} database takes clients of other hosts`, async () => {
      const words = [`--db=tcp:[${NODE_ADDRESS}]:${port}`, '--timeout=50', 'get-connection'];
      return (await of(stage, 'ovn-northd').exec([`${program}`, ...words])).trim();
    });
  }
}

/** A pod's port: a veth pair into a namespace, and its logical switch port. */
async function plug(stage: Stage, name: string, address: string): Promise<void> {
  await command('ip', ['netns', 'add', name]);
  for (const words of [
    `link add ${name}h up type veth peer name eth0 netns ${name}`,
    `-n ${name} link set eth0 up`,
    `-n ${name} address add ${address}/24 dev eth0`,
  ]) {
    await command('ip', words.split(' '));
  }
  const link = await command('ip', ['-n', name, 'link', 'show', 'eth0']);
  const [, mac = ''] = /ether (\S+)/.exec(link) ?? [];
  await nbctl(
    stage,
    ...['lsp-add', 'checked', name, '--'],
    ...['lsp-set-addresses', name, `${mac} ${address}`],
  );
  const row = ['--', 'set', 'Interface', `${name}h`, `external_ids:iface-id=${name}`];
  await vsctl(stage, 'add-port', 'br-int', `${name}h`, ...row);
  await vsctl(stage, 'wait-until', 'Interface', `${name}h`, 'external_ids:ovn-installed=true');
}

async function checkPackets(stage: Stage, pod: ChartPod): Promise<void> {
  const { outcomes } = stage;
  // What kube-ovn-cni says, and no script of this image.
  const encapsulation = `external_ids:ovn-encap-ip=${NODE_ADDRESS}`;
  const isMade = await outcomes.check(
    'ovn-controller makes br-int and the flows of two ports',
    async () => {
      await vsctl(stage, '--no-wait', 'set', 'Open_vSwitch', '.', encapsulation);
      await vsctl(stage, 'wait-until', 'Bridge', 'br-int');
      await plug(stage, 'a', '10.1.0.2');
      await plug(stage, 'b', '10.1.0.3');
      return undefined;
    },
  );
  if (!isMade) return;
  const ping = () => command('ip', 'netns exec a ping -c1 -w30 10.1.0.3'.split(' '));
  await outcomes.check('a packet passes', async () => void (await ping()));
  await outcomes.check('OVS ends, comes back, and packets pass', async () => {
    const { code } = await of(stage, 'openvswitch').terminate();
    if (!ENDED.includes(code)) throw new Error(`it ended with ${code}`);
    const again = await start(stage, pod, 'openvswitch');
    await again.logged('ovn-controller has given its flows again');
    await ping();
    return undefined;
  });
}

async function checkBackup(stage: Stage, pod: ChartPod): Promise<void> {
  const { containerd, image, around, outcomes } = stage;
  const [container] = pod.containers;
  if (container === undefined) throw new Error('the pod of ovn-backup has no container');
  const folder = join(around.hostFolder, BACKUPS);
  console.log('\novn-backup');
  await outcomes.check('a backup of both databases', async () => {
    const { exitCode, stdout, stderr } = await containerd.run(
      image,
      specOf(pod, container, around),
    );
    if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
    return (await readdir(folder)).join(', ');
  });
  await outcomes.check('the backup brings back what was there', async () => {
    await nbctl(stage, 'ls-del', 'checked');
    const [file = ''] = (await readdir(folder)).filter((name) => name.startsWith('ovnnb_db-'));
    // As `kubectl cp` puts it: through tar, in the container.
    const volume = join(around.hostFolder, 'volumes/run-ovn');
    await command('cp', [join(folder, file), join(volume, file)]);
    await of(stage, 'ovn-nb').exec(['/kube-ovn/ovn/restore.sh', 'nb', `/run/ovn/${file}`]);
    const switches = await nbctl(stage, 'ls-list');
    if (!switches.includes('(checked)')) throw new Error(`it has ${switches}`);
    return undefined;
  });
}

async function checkEnd(stage: Stage): Promise<void> {
  console.log('');
  for (const [name, container] of [...stage.running].reverse()) {
    await stage.outcomes.check(`SIGTERM of ${name}`, async () => {
      const { code, ms } = await container.terminate();
      if (!ENDED.includes(code) || ms > ENDS_WITHIN_MS) {
        throw new Error(
          `ended with ${code} after ${ms} ms:\n${container.log.slice(-5).join('\n')}`,
        );
      }
      return `${code} after ${Math.round(ms)} ms`;
    });
  }
}
