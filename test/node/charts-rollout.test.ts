/**
 * `helm upgrade` from Kube-OVN's own agent to ours and back, as a node sees it: the pods of both charts
 * in both modes, with their init containers, scripts, arguments, environment, probes and role.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFile } from '../../src/installer/file-facts.ts';
import type { AgentContainer } from '../lab/agent-container.ts';
import { ChartAgent } from '../lab/chart-agent.ts';
import { CHARTS, chartOf } from '../lab/chart-pods.ts';
import { Cluster, type NicPlan, type SubnetPlan } from '../lab/cluster.ts';
import { command, type Outcome, outcomeOf } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { DEBIAN_PLUGINS } from '../lab/image.ts';
import { ImageRoot } from '../lab/image-root.ts';
import { FakeApiServer } from '../lab/kubernetes/api.ts';
import { InCluster } from '../lab/kubernetes/in-cluster.ts';
import { OvnNode } from '../lab/ovn-node.ts';
import { Ping } from '../lab/ping.ts';
import {
  cniEnvironment,
  cniInput,
  createSandbox,
  deleteSandbox,
  type Sandbox,
} from '../lab/runtime.ts';
import { ATTACHNET, ovnConfig } from './fixture.ts';
import { LIMITS } from './garbage-support.ts';
import { GO_EXECUTABLE, GoAgent } from './go-agent.ts';
import { namesIn } from './install-fixture.ts';
import { type Census, census, expectNode, interfacesOf, pings } from './observe.ts';

/** Of the node; tunnels end there, and the kubelet asks there. */
const ADDRESS = '10.7.0.1';
const VERSION = '0.2.0';
const RECORDS = `${SOCKET}.deletions`;
const SOON = { timeout: 30_000, interval: 100 };
const PRIMARY: SubnetPlan = {
  name: 'ovn-default',
  provider: 'ovn',
  cidrBlock: '10.16.0.0/16',
  gateway: '10.16.0.1',
};
const ATTACHED: SubnetPlan = {
  name: 'attachnet',
  provider: ATTACHNET,
  cidrBlock: '172.17.0.0/16',
  gateway: '172.17.0.1',
};
const MODES = [true, false].flatMap((isPrimary) =>
  CHARTS.map((chart) => ({ chart, isPrimary, mode: isPrimary ? 'primary' : 'non-primary' })),
);

let node: OvnNode;
let api: FakeApiServer;
let cluster: Cluster;
let image: ImageRoot;
let count = 0;

beforeAll(async () => {
  node = await OvnNode.start();
  api = await FakeApiServer.start({});
  cluster = new Cluster(api, node, node.chassis);
  await cluster.prepare();
  for (const subnet of [PRIMARY, ATTACHED]) await cluster.createSubnet(subnet);
  await command('ip', ['link', 'add', 'eth7', 'type', 'veth', 'peer', 'name', 'p-eth7']);
  await command('ip', ['address', 'add', `${ADDRESS}/24`, 'dev', 'eth7']);
  await command('ip', ['link', 'set', 'eth7', 'up']);
  await mkdir('/run/image');
  image = await ImageRoot.create('/run/image', VERSION);
  await ChartAgent.prepare(image);
});
afterAll(async () => {
  await node.stop();
  await api.close();
});

describe.each(MODES)('chart $chart as a $mode network', ({ chart: name, isPrimary }) => {
  const chart = chartOf(name, isPrimary);
  const ifName = isPrimary ? 'eth0' : 'net1';
  const isDrainedLate = name === 'v2';
  const config = ovnConfig(isPrimary ? { provider: undefined, name: 'kube-ovn' } : {});
  let access: InCluster;
  let ours: ChartAgent;
  let agent: AgentContainer | undefined;
  let go: GoAgent;
  let before: Census;
  let files: Readonly<Record<string, string>>;
  let ping: Ping;
  const living: Sandbox[] = [];

  beforeAll(async () => {
    access = await InCluster.start(api, chart.daemonAccount);
    ours = new ChartAgent(image, chart.daemonset, {
      nodeName: node.chassis,
      podName: 'kube-ovn-cni-x7k2p',
      nodeAddress: ADDRESS,
      environment: access.environment,
    });
    go = new GoAgent(node, api, image);
    for (const folder of [image.binDir, image.confDir]) {
      await rm(folder, { recursive: true });
      await mkdir(folder);
    }
    if (!isPrimary) await anotherPrimaryNetwork();
    await go.initialise();
    await go.start();
    files = await installed();
  });
  afterAll(async () => {
    await agent?.stop('SIGKILL');
    await go.stop();
    await Promise.all(living.map(deleteSandbox));
    await access[Symbol.asyncDispose]();
  });

  async function anotherPrimaryNetwork(): Promise<void> {
    const path = join(image.confDir, '05-cilium.conflist');
    await writeFile(path, '{"plugins":[{"type":"cilium-cni"}]}');
    await copyFile(join(DEBIAN_PLUGINS, 'bridge'), join(image.binDir, 'cilium-cni'));
  }

  /** Mode of each file, and the content of configurations. */
  async function installed(): Promise<Record<string, string>> {
    const facts: Record<string, string> = {};
    for (const folder of [image.binDir, image.confDir]) {
      for (const file of await namesIn(folder)) {
        const path = join(folder, file);
        const mode = ((await stat(path)).mode & 0o7777).toString(8);
        facts[file] = folder === image.confDir ? `${mode} ${await readFile(path, 'utf8')}` : mode;
      }
    }
    return facts;
  }

  /** A pod with limits that has its addresses, and its sandbox. */
  async function pod(): Promise<{ sandbox: Sandbox; address: string }> {
    count += 1;
    const subnet = isPrimary ? PRIMARY : ATTACHED;
    const address = `${isPrimary ? '10.16' : '172.17'}.1.${count}`;
    const mac = `00:00:00:00:01:${count.toString(16).padStart(2, '0')}`;
    const nic: NicPlan = { provider: subnet.provider, subnet, ip: address, mac, more: LIMITS };
    const identity = cluster.createPod(`pod-${count}`);
    await cluster.allocate(identity, nic);
    const sandbox = await createSandbox(identity);
    living.push(sandbox);
    return { sandbox, address };
  }

  /** Runs the executable that is on the node by now, as the runtime does. */
  function call(verb: string, sandbox: Sandbox): Promise<Outcome> {
    const env = cniEnvironment(verb, sandbox, ifName);
    return outcomeOf(join(image.binDir, 'kube-ovn'), [], { env, input: cniInput(config) });
  }

  async function must(verb: string, sandbox: Sandbox): Promise<void> {
    const { exitCode, stdout, stderr } = await call(verb, sandbox);
    expect(exitCode, `${verb}: ${stdout}${stderr}`).toBe(0);
  }

  /** What Kube-OVN's executable does while its daemon is away: the runtime tries again. */
  async function expectToRetry(verb: string, sandbox: Sandbox): Promise<void> {
    const { exitCode, stdout } = await call(verb, sandbox);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 11 });
  }

  /** Starts an ADD that waits for a daemon; resolves when the executable runs. */
  function startAdd(sandbox: Sandbox): { readonly output: Promise<string> } {
    const env = cniEnvironment('ADD', sandbox, ifName);
    const child = spawn(join(image.binDir, 'kube-ovn'), [], { env, stdio: 'pipe' });
    child.stdin.end(cniInput(config));
    return { output: text(child.stdout) };
  }

  async function expectNothingOf(sandbox: Sandbox): Promise<void> {
    const state = async () => JSON.stringify(await census(node));
    const isLeft = async () => {
      const now = await state();
      const { containerId, pod: identity } = sandbox;
      return now.includes(containerId.slice(0, 7)) || now.includes(`"${identity.name}.default`);
    };
    await expect.poll(isLeft, SOON).toBe(false);
  }

  /** Does what was recorded. */
  async function drain(): Promise<void> {
    const { exitCode, stdout, stderr } = await ours.exec(['/kube-ovn/kube-ovn-cni.cjs', 'drain']);
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stdout).toContain('1 recorded DELs are done');
    await expectNothingOf(of('goes on the way back').sandbox);
  }

  const made: Record<string, { sandbox: Sandbox; address: string }> = {};
  const of = (title: string) => made[title] as { sandbox: Sandbox; address: string };

  test("with Kube-OVN's agent pods run, come and go", async () => {
    before = await census(node);
    for (const title of ['pings', 'answers', 'goes between', 'goes meanwhile', 'goes with ours']) {
      made[title] = await pod();
      await must('ADD', of(title).sandbox);
    }
    expect(await pings(of('pings').sandbox, of('answers').address)).toBe(true);
    ping = await Ping.start(of('pings').sandbox, of('answers').address);
  });

  test('from it to ours: calls in between are tried again, recorded or wait, and are done', async () => {
    made['comes between'] = await pod();
    await go.stop();
    expect(existsSync(SOCKET)).toBe(false);
    await expectToRetry('DEL', of('goes between').sandbox);
    await expectToRetry('ADD', of('comes between').sandbox);

    const outcomes = await ours.initialise();
    expect(Object.keys(outcomes)).toEqual(['hostpath-init', 'install-cni']);
    expect(outcomes['install-cni']?.stdout).toContain(
      'takes the place of an executable of Kube-OVN',
    );
    // The reference plugins were there before, and are others', too.
    expect(await findFile(join(image.binDir, 'kube-ovn'))).toMatchObject({
      mark: { name: 'kube-ovn', version: VERSION },
    });
    expect(await installed()).toEqual(files);

    await must('DEL', of('goes meanwhile').sandbox);
    expect(await readdir(RECORDS)).toHaveLength(1);
    const adding = startAdd(of('comes between').sandbox);
    agent = await ours.start();
    expect(JSON.parse(await adding.output)).toHaveProperty('ips');
    await must('DEL', of('goes between').sandbox);
    for (const title of ['goes between', 'goes meanwhile'])
      await expectNothingOf(of(title).sandbox);
    await expect.poll(() => readdir(RECORDS), SOON).toEqual([]);
  });

  test('ours is ready and alive as the chart asks, and serves what both have made', async () => {
    for (const kind of ['readinessProbe', 'livenessProbe'] as const) {
      await expect.poll(() => ours.probe(kind), SOON).toEqual({ status: 200, text: 'ok\n' });
    }
    for (const title of ['of ours', 'goes on the way back']) {
      made[title] = await pod();
      await must('ADD', of(title).sandbox);
    }
    expect(await pings(of('of ours').sandbox, of('answers').address)).toBe(true);
    expect(await pings(of('pings').sandbox, of('of ours').address)).toBe(true);
    await must('DEL', of('goes with ours').sandbox);
    await expectNothingOf(of('goes with ours').sandbox);
    expect(agent?.logLines('"level":50')).toEqual([]);
    expect(agent?.logLines('forbidden')).toEqual([]);
  });

  test('and back: what was recorded is drained, and nothing of ours is in the way', async () => {
    await agent?.stop('SIGTERM');
    expect(agent?.process.exitCode).toBe(0);
    expect(existsSync(SOCKET)).toBe(false);
    expect(await ours.probe('livenessProbe')).toBeUndefined();
    await must('DEL', of('goes on the way back').sandbox);
    expect(await readdir(RECORDS)).toHaveLength(1);
    if (!isDrainedLate) await drain();
    await go.initialise();
    await go.start();
    // Nothing of helm's runs in between: it must do as well beside Kube-OVN's daemon.
    if (isDrainedLate) await drain();
    expect(await installed()).toEqual(files);
    const executable = await readFile(join(image.binDir, 'kube-ovn'));
    expect(executable.equals(await readFile(GO_EXECUTABLE))).toBe(true);
    for (const title of ['comes between', 'of ours']) {
      await must('DEL', of(title).sandbox);
      await expectNothingOf(of(title).sandbox);
      expect(await interfacesOf(node, of(title).sandbox)).toEqual([]);
    }
    made['again with Go'] = await pod();
    await must('ADD', of('again with Go').sandbox);
    expect(await pings(of('again with Go').sandbox, of('answers').address)).toBe(true);
  });

  test('no pod that lived through it has lost a packet, and nothing is left', async () => {
    const { answered, lost } = await ping.stop();
    expect(lost).toEqual([]);
    expect(answered).toBeGreaterThan(10);
    for (const title of ['pings', 'answers', 'again with Go']) await must('DEL', of(title).sandbox);
    await expectNode(node, before);
    const left = (await namesIn('/run/openvswitch')).filter((file) =>
      file.startsWith('kube-ovn-daemon'),
    );
    // Beside a daemon the folder of records stays: one of ours would watch it.
    const folder = isDrainedLate ? [basename(RECORDS)] : [];
    expect(left).toEqual([basename(SOCKET), ...folder]);
    if (isDrainedLate) expect(await readdir(RECORDS)).toEqual([]);
    await rm(RECORDS, { recursive: true, force: true });
  });
});
