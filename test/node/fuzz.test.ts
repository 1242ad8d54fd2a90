/**
 * Hostile values all the way down: by the executable and the daemon to the real ovs-vsctl and ip.
 * Every command line that comes of them is one that the grammars have, what fails leaves nothing, and
 * neither the daemon nor another pod notices.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandLog } from '../fuzz/command-log.ts';
import { checkCniOutput } from '../fuzz/oracles/cni-output.ts';
import { checkToolRun } from '../fuzz/oracles/command-lines.ts';
import { changedAnnotations, type Texts } from '../fuzz/values/objects.ts';
import { almost, hostileText, netns, podName, provider, uid } from '../fuzz/values/texts.ts';
import { allocationAnnotations } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import { cni, type Sandbox } from '../lab/runtime.ts';
import { podState } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { type Census, census, expectNode, mustAdd } from './observe.ts';

const CASES = 150;
const SEED = 20_261_123;
const TOOLS = ['ip', 'ovs-vsctl', 'nsenter', 'arping', 'ping', 'ethtool', 'sysctl'];

let fixture: Fixture;
let log: CommandLog;
/** The pod that all calls are about. */
let sandbox: Sandbox;
let right: Texts;
/** With the NIC of another pod, which must stay. */
let before: Census;
let podBefore: unknown;

beforeAll(async () => {
  fixture = await Fixture.start();
  log = CommandLog.real('/run/command-log', TOOLS);
  await fixture.restartDaemon(['--add-timeout-seconds=1'], 'SIGTERM', { PATH: log.path });
  const bystander = await fixture.pod();
  await mustAdd(bystander.sandbox, 'net1', ovnConfig());
  const made = await fixture.pod();
  sandbox = made.sandbox;
  right = allocationAnnotations(made.nic);
  await fixture.node.nbctl('--wait=hv', 'sync');
  before = await census(fixture.node);
  podBefore = await podState(sandbox);
  log.take();
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  log[Symbol.dispose]();
});

/** No process can have others in its environment. */
const variable = (text: fc.Arbitrary<string>) =>
  almost(text).map((value) => value.toWellFormed().replaceAll('\0', '').slice(0, 30_000));

const environment = fc.record(
  {
    CNI_CONTAINERID: variable(fc.constant('c0ffee0123456789')),
    CNI_IFNAME: variable(fc.constantFrom('net1', 'eth0')),
    CNI_NETNS: variable(netns),
    CNI_ARGS: fc
      .tuple(variable(podName), variable(uid))
      .map(([name, id]) => `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=${id}`),
  },
  { requiredKeys: [] },
);

/** All but `server_socket`: beside another one DELs would be recorded. */
const configuration = fc.record(
  {
    provider: almost(provider),
    name: hostileText,
    routes: fc.oneof(
      fc.json().map((text) => JSON.parse(text)),
      fc.constant([{ gw: '172.17.0.1' }]),
    ),
    dns: fc.jsonValue({ maxDepth: 2 }),
    deviceID: hostileText,
    vhost_user_socket_volume_name: hostileText,
  },
  { requiredKeys: [] },
);

const seldom = <T extends object>(changes: fc.Arbitrary<T>): fc.Arbitrary<Partial<T>> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: changes });

const cases = fc.record({
  annotations: changedAnnotations,
  variables: seldom(environment),
  config: seldom(configuration),
});

test('hostile calls make no other command line, leave nothing, and harm nobody', async () => {
  const { pid } = fixture.daemon.process;
  const outcomes = new Map<string, number>();
  /** Errors that nobody foresaw. */
  const unforeseen: string[] = [];
  const property = fc.asyncProperty(cases, async ({ annotations, variables, config }) => {
    const keys = annotate(annotations);
    const networkConfig = ovnConfig({ ...config, server_socket: SOCKET });
    const play = async (verb: string) => {
      const outcome = await cni(verb, sandbox, 'net1', networkConfig, variables);
      if (outcome.result?.code === 101) unforeseen.push(outcome.stdout);
      return checkCniOutput({ ...outcome, stdout: outcome.stdout.trimEnd() }, verb);
    };
    const added = await play('ADD');
    if (added !== 'accepted') await expectNode(fixture.node, before);
    await play('DEL');
    await expectNode(fixture.node, before);
    expect(await podState(sandbox)).toEqual(podBefore);
    for (const run of log.take()) checkToolRun(run);
    expect(fixture.daemon.process.exitCode).toBeNull();
    outcomes.set(added, (outcomes.get(added) ?? 0) + 1);
    fixture.cluster.annotate(sandbox.pod, Object.fromEntries(keys.map((key) => [key, null])));
  });
  await fc.assert(property, { numRuns: CASES, seed: SEED, endOnFailure: true });
  expect(fixture.daemon.process.pid).toBe(pid);
  expect(outcomes.get('accepted') ?? 0).toBeGreaterThan(CASES / 5);
  expect(outcomes.get('error 7') ?? 0).toBeGreaterThan(CASES / 10);
  expect(unforeseen).toEqual([]);
}, 600_000);

/** The pod as the controller wrote it, with changes; returns the keys. */
function annotate(changes: Texts): string[] {
  const changed = Object.entries(changes).map(([name, value]) => [
    `${ATTACHNET}.kubernetes.io/${name}`,
    value,
  ]);
  const annotations: Texts = {
    ...right,
    [`${ATTACHNET}.kubernetes.io/routed`]: 'true',
    ...Object.fromEntries(changed),
  };
  fixture.cluster.annotate(sandbox.pod, annotations);
  return Object.keys(annotations);
}
