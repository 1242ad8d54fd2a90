/** `kube-ovn-cni limits`: what it says to people and programs, and what it does not do. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { whyNoNetem } from '../lab/kernel.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ToolRecord } from '../lab/tool-record.ts';
import { type HealthyNic, podsArrive } from './check-fixture.ts';
import { ATTACHNET, Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';
import {
  type AnnotatedChange,
  eventAbout,
  limitsOf,
  nicWith,
  reannotate,
  settled,
} from './limits-fixture.ts';
import { limitReport, limitsOutput, limitsProgram, limitsReports } from './limits-program.ts';
import { census, expectNode, mustAdd } from './observe.ts';
import { OvsWatch } from './ovs-watch.ts';

const PREFIX = `${ATTACHNET}.kubernetes.io`;
const CONFIG = `--kubeconfig=${KUBECONFIG}`;

let fixture: Fixture;
let watch: OvsWatch;
beforeAll(async () => {
  fixture = await Fixture.start();
  watch = await OvsWatch.start();
});
afterAll(async () => {
  watch[Symbol.dispose]();
  await fixture[Symbol.asyncDispose]();
});

/** Changes limits of a running pod; resolves when OVS is done with them. */
async function annotate(nic: HealthyNic, values: AnnotatedChange): Promise<void> {
  reannotate(fixture, nic.sandbox, values);
  await podsArrive(fixture);
  await settled(watch, nic);
  await fixture.node.switchDone();
}

/** The lines that need attention. */
function marked(stdout: string): string[] {
  return stdout.split('\n').filter((line) => line.startsWith('!'));
}

/** A call that cannot tell. */
async function complaint(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await limitsProgram(args);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  return stderr.trim();
}

function nameOf({ pod }: Pick<Sandbox, 'pod'>): string {
  return `${pod.namespace}/${pod.name}`;
}

describe('of a pod whose limits are as annotated', () => {
  test('it prints a table, and ends with 0', async () => {
    const { sandbox, host, port } = await nicWith(fixture, { ingress_rate: '10', mirror: 'true' });
    expect(await limitsOutput(sandbox)).toEqual({
      exitCode: 0,
      stdout: [
        `net1, network ${ATTACHNET}, port ${host}, logical switch port ${port}`,
        '                annotated  in Open vSwitch          in force  from',
        `  to the pod    10 Mbit/s  10 Mbit/s, burst 1 Mbit  yes       ${PREFIX}/ingress_rate`,
        '  from the pod  no limit   no limit                 -',
        '  netem         none       none                     -',
        `  mirror        on         on                       -         ${PREFIX}/mirror`,
        '',
      ].join('\n'),
    });
  });

  test('it says the same as JSON', async () => {
    const { sandbox, host, port } = await nicWith(fixture, { ingress_rate: '10' });
    const { exitCode, nics } = await limitsReports(sandbox);
    expect(exitCode).toBe(0);
    expect(nics).toEqual([
      {
        interface: 'net1',
        provider: ATTACHNET,
        port: host,
        logicalSwitchPort: port,
        limits: expect.any(Array),
        warnings: [],
      },
    ]);
    expect(nics[0]?.limits[0]).toEqual({
      limit: 'to the pod',
      annotated: '10 Mbit/s',
      inOvs: '10 Mbit/s, burst 1 Mbit',
      inForce: 'yes',
      source: `${PREFIX}/ingress_rate`,
      isRight: true,
      notes: [],
    });
  });

  test('it follows a change of the running pod', async () => {
    const nic = await nicWith(fixture);
    expect(await limitReport(nic.sandbox, 'to the pod')).toMatchObject({ annotated: 'no limit' });
    await annotate(nic, { ingress_rate: '30' });
    expect(await limitReport(nic.sandbox, 'to the pod')).toMatchObject({
      annotated: '30 Mbit/s',
      inForce: 'yes',
      isRight: true,
    });
  });

  test('it says so of a rate above what OVS shapes to', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '20000' });
    expect(await limitReport(sandbox, 'to the pod')).toMatchObject({
      annotated: '20 Gbit/s',
      inForce: 'yes',
      isRight: true,
      notes: ['in force as 10 Gbit/s: OVS shapes to no more'],
    });
  });

  test('it knows what the runtime asked for', async () => {
    const bandwidth = { ingressRate: 8_000_000, ingressBurst: 800_000 };
    const { sandbox } = await nicWith(fixture, {}, { runtimeConfig: { bandwidth } });
    expect(await limitReport(sandbox, 'to the pod')).toMatchObject({
      annotated: '8 Mbit/s, burst 800 kbit',
      inForce: 'yes',
      source: 'runtimeConfig.bandwidth',
    });
  });

  test('it has a table for each interface, in order', async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    for (const [index, ifName] of ['net2', 'net1'].entries()) {
      const more = { ingress_rate: `${10 * (index + 1)}` };
      const ip = `172.17.3.${index + 1}`;
      const mac = `00:00:00:00:03:0${index + 1}`;
      const plan: NicPlan = { ...nic, ip, mac, ifName, more };
      await fixture.cluster.allocate(pod, plan);
      await mustAdd(sandbox, ifName, ovnConfig());
    }
    const { exitCode, nics } = await limitsReports(sandbox);
    expect(exitCode).toBe(0);
    expect(nics.map((one) => [one.interface, one.limits[0]?.annotated])).toEqual([
      ['net1', '20 Mbit/s'],
      ['net2', '10 Mbit/s'],
    ]);
    const { stdout } = await limitsOutput(sandbox);
    expect(stdout.split('\n\n').map((table) => table.slice(0, 5))).toEqual(['net1,', 'net2,']);
  });

  test('it changes nothing', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '10', latency: '10' });
    const before = await census(fixture.node);
    await limitsOutput(sandbox);
    await expectNode(fixture.node, before);
  });

  test('it says the same without a daemon', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '10' });
    const alive = await limitsOutput(sandbox);
    await fixture.daemon.stop('SIGKILL');
    onTestFinished(() => fixture.restartDaemon([]));
    expect(await limitsOutput(sandbox)).toEqual(alive);

    reannotate(fixture, sandbox, { ingress_rate: '30' });
    const { exitCode, stdout } = await limitsOutput(sandbox);
    expect(exitCode).toBe(1);
    expect(marked(stdout)).toEqual([
      expect.stringMatching(/^! to the pod {4}30 Mbit\/s {2}10 Mbit\/s, burst 1 Mbit {2}yes/),
      expect.stringContaining(
        'OVS was not told "30 Mbit/s, burst 3 Mbit": is kube-ovn-cni running on this node',
      ),
    ]);
  });
});

describe('it marks what needs attention, says why, and ends with 1:', () => {
  test('a rate that somebody changed in OVS', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '10' });
    const { queue } = await limitsOf(watch, sandbox);
    await fixture.node.vsctl('set', 'Queue', queue?._uuid ?? '', 'other_config:max-rate=5000000');
    const { exitCode, stdout } = await limitsOutput(sandbox);
    expect(exitCode).toBe(1);
    expect(marked(stdout)).toEqual([
      expect.stringMatching(/^! to the pod {4}10 Mbit\/s {2}5 Mbit\/s, burst 1 Mbit/),
      expect.stringContaining('OVS was not told "10 Mbit/s, burst 1 Mbit"'),
    ]);
  });

  test('a rate whose rows somebody removed', async () => {
    const { sandbox, host } = await nicWith(fixture, { ingress_rate: '10' });
    await fixture.node.vsctl('clear', 'Port', host, 'qos');
    expect(await limitReport(sandbox, 'to the pod')).toMatchObject({
      annotated: '10 Mbit/s',
      inOvs: 'no limit',
      isRight: false,
    });
  });

  test('a mirror that somebody took away', async () => {
    const { sandbox, host } = await nicWith(fixture, { mirror: 'true' });
    await fixture.node.vsctl(
      ...['--', '--id=@port', 'get', 'Port', host],
      ...['--', 'remove', 'Mirror', 'm0', 'select_dst_port', '@port'],
    );
    const { exitCode, stdout } = await limitsOutput(sandbox);
    expect(exitCode).toBe(1);
    expect(marked(stdout)[0]).toMatch(/^! mirror {8}on {9}off/);
  });

  test("a limit from the pod, which OVS's userspace datapath does not enforce", async () => {
    const { sandbox } = await nicWith(fixture, { egress_rate: '20' });
    const { exitCode, stdout } = await limitsOutput(sandbox);
    expect(exitCode).toBe(1);
    expect(marked(stdout)).toEqual([
      expect.stringMatching(/^! from the pod {2}20 Mbit\/s {2}20 Mbit\/s, burst 16 Mbit {2}no /),
      expect.stringMatching(/^! from the pod: OVS's userspace datapath takes packets before/),
    ]);
  });

  test('netem where the kernel has none; where it has, it is in force', async () => {
    const { sandbox } = await nicWith(fixture, { latency: '10', loss: '5' });
    const missing = await whyNoNetem();
    console.log(missing ?? 'this kernel has netem');
    const { nics, exitCode } = await limitsReports(sandbox);
    const values = { annotated: 'latency 10 ms, loss 5 %', inOvs: 'latency 10 ms, loss 5 %' };
    const notes = missing ? ['the kernel has no netem here: it needs sch_netem'] : [];
    const inForce = missing ? 'no' : 'yes';
    expect(nics[0]?.limits[2]).toMatchObject({ ...values, inForce, isRight: !missing, notes });
    expect(exitCode).toBe(missing ? 1 : 0);
  });

  test('netem beside a rate, which wins', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '10', latency: '10' });
    const { exitCode, stdout } = await limitsOutput(sandbox);
    expect(exitCode).toBe(1);
    expect(marked(stdout)).toEqual([
      expect.stringMatching(/^! netem {9}latency 10 ms {2}none {21}no /),
      expect.stringContaining(`${PREFIX}/latency has no effect`),
    ]);
  });

  test('an annotation that is wrong: the limit stays as it was', async () => {
    const nic = await nicWith(fixture, { ingress_rate: '10' });
    reannotate(fixture, nic.sandbox, { ingress_rate: 'fast' });
    await eventAbout(fixture, nic.sandbox, 'is wrong: "fast"');
    const { exitCode, stdout } = await limitsOutput(nic.sandbox);
    expect(exitCode).toBe(1);
    expect(marked(stdout)).toEqual([
      expect.stringMatching(/^! to the pod {4}wrong {6}10 Mbit\/s, burst 1 Mbit {2}yes /),
      expect.stringMatching(/^! annotation \S+\/ingress_rate is wrong: "fast"; expected a whole/),
    ]);
  });

  test('a limit of which ovs-vswitchd says nothing', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '10' });
    await fixture.node.killPart('ovs-vswitchd');
    onTestFinished(() => fixture.node.startPart('ovs-vswitchd'));
    expect(await limitReport(sandbox, 'to the pod')).toMatchObject({
      inForce: 'unknown',
      isRight: false,
      notes: [expect.stringContaining('ovs-appctl')],
    });
  });
});

describe('it ends with 2 and says what to do:', () => {
  const USAGE = /^usage: kube-ovn-cni limits <namespace>\/<pod> \[--json\]/m;

  test('a pod that does not exist', async () => {
    expect(await complaint(['default/nobody', CONFIG])).toBe(
      'pod default/nobody does not exist: `kubectl get pod -A` lists all',
    );
  });

  test('a pod without an interface here', async () => {
    const { sandbox } = await fixture.pod();
    expect(await complaint([nameOf(sandbox), CONFIG, '--node-name=node1'])).toMatch(
      /has no interface of Kube-OVN on this node \(node1\): its sandbox is not made yet/,
    );
  });

  test('a pod of another node', async () => {
    const metadata = { namespace: 'default', name: 'elsewhere' };
    fixture.api.create({ kind: 'Pod', metadata, spec: { nodeName: 'node7', containers: [] } });
    expect(await complaint(['default/elsewhere', CONFIG, '--node-name=node1'])).toMatch(
      /on this node \(node1\): it runs on node node7, and only there this command can tell$/,
    );
  });

  test('a pod of another one that had its name', async () => {
    const { sandbox } = await nicWith(fixture, { ingress_rate: '10' });
    const { pod } = sandbox;
    fixture.api.delete('Pod', nameOf(sandbox), { gracePeriodSeconds: 0 });
    fixture.cluster.createPod(pod.name);
    expect(await complaint([nameOf(sandbox), CONFIG])).toContain('has no interface of Kube-OVN');
  });

  test.each([
    [[]],
    [['web-0']],
    [['default/']],
    [['/web-0']],
    [['default/web-0/x']],
    [['--kubeconfig=/run/kube/config']],
  ])('arguments that say no pod: %j', async (args) => {
    expect(await complaint(args)).toMatch(USAGE);
  });

  test('a flag that nobody knows', async () => {
    const said = await complaint(['default/web-0', '--jason']);
    expect(said).toMatch(/^Unknown option '--jason'/);
    expect(said).toMatch(USAGE);
  });

  test('an API server that is away', async () => {
    const { sandbox } = await nicWith(fixture);
    await fixture.api.close();
    onTestFinished(() => fixture.api.start());
    expect(await complaint([nameOf(sandbox), CONFIG])).toMatch(
      /^cannot read the pod from the API server: get \S+: Unreachable: connect ECONNREFUSED .*; --kubeconfig=FILE names another API server$/,
    );
  });

  test('a kubeconfig that is not there, or none outside a cluster', async () => {
    expect(await complaint(['default/web-0', '--kubeconfig=/nowhere'])).toMatch(
      /ENOENT.*'\/nowhere'; --kubeconfig=FILE names another API server$/,
    );
    expect(await complaint(['default/web-0'])).toMatch(/no kubeconfig is given/);
  });

  test('a database of OVS that is away', async () => {
    const { sandbox } = await nicWith(fixture);
    const said = await complaint([nameOf(sandbox), CONFIG, '--ovs-socket=/run/nowhere.sock']);
    expect(said).toMatch(/^cannot read OVS's rows: .*\/run\/nowhere\.sock: connect ENOENT/);
    expect(said).toMatch(
      /is ovsdb-server running\?.*; --ovs-socket=SOCKET names another database$/,
    );
  });
});

test('--help prints the usage and ends with 0', async () => {
  const { exitCode, stdout, stderr } = await limitsProgram(['--help']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('usage: kube-ovn-cni limits <namespace>/<pod>');
});

test('a hostile name of a pod reaches neither a tool nor the API server', async () => {
  const tools = ['ovs-vsctl', 'ovs-appctl', 'tc', 'ip', 'sh'];
  await using record = await ToolRecord.create('/run/limits-record', tools);
  const env = { ...process.env, PATH: record.path };
  const { sandbox } = await nicWith(fixture);
  await limitsProgram([nameOf(sandbox), CONFIG], { env });
  const ran = (await record.events()).map(({ words }) => words.split(' ')[0]);
  expect(ran).toEqual(expect.arrayContaining(['ovs-appctl', 'tc']));

  await record.clear();
  fixture.api.requests.clear();
  for (const name of [
    'default/$(id)',
    'default/a;id',
    '../..',
    'a/b%2f..',
    '-x/y',
    'A/B',
    'a\n/b',
  ]) {
    const { exitCode, stderr } = await limitsProgram([name, CONFIG], { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('usage: kube-ovn-cni limits');
  }
  expect(await record.events()).toEqual([]);
  const reads = fixture.api.requests.matching({ verb: 'get' });
  expect(reads.filter(({ path }) => path.includes('/pods/'))).toEqual([]);
});
