import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocationAnnotations, type NicPlan, type SubnetPlan } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import { createSandbox, type Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import {
  canPing,
  census,
  failedAdd,
  hostName,
  mustAdd,
  mustDelete,
  portAppears,
  startAdd,
  Tap,
} from './observe.ts';

const TAP = '/run/tap.sock';
/** Deadline of the ADDs that shall pass it. */
const SHORT = '--add-timeout-seconds=1';

let fixture: Fixture;
let tap: Tap;
/** A Subnet whose gateway does not exist. */
let silent: SubnetPlan;
/** The same, with `disableGatewayCheck`. */
let unchecked: SubnetPlan;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=20']);
  tap = await Tap.start(TAP, SOCKET);
  await fixture.cluster.createSubnet(PRIMARY);
  silent = await withoutGateway('silent', 81, {});
  unchecked = await withoutGateway('unchecked', 82, { disableGatewayCheck: true });
});
afterAll(async () => {
  await tap[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

/** A Subnet whose gateway's address is no router port's. */
async function withoutGateway(name: string, octet: number, spec: object): Promise<SubnetPlan> {
  const plan = {
    name,
    provider: `${name}.default.ovn`,
    cidrBlock: `10.${octet}.0.0/16,fd00:10:${octet}::/64`,
    gateway: `10.${octet}.0.1,fd00:10:${octet}::1`,
    spec: { ...spec },
  };
  await fixture.cluster.createSubnet(plan);
  await fixture.node.nbctl('lrp-del', `ovn-cluster-${name}`);
  return plan;
}

/** A pod on a Subnet without a gateway. */
function podOn(
  subnet: SubnetPlan,
  ip: string,
  annotations: Record<string, string> = {},
  more: NonNullable<NicPlan['more']> = {},
) {
  const nic = (plain: NicPlan) => ({ ...plain, provider: subnet.provider, subnet, ip, more });
  return fixture.pod({ nic, annotations });
}

/** An ADD that has reached the daemon. */
function waitingAdd(sandbox: Sandbox, ifName: string, config: object = ovnConfig()) {
  const tapped = { ...ovnConfig(), ...config, server_socket: TAP };
  return tap.passedOn(() => startAdd(sandbox, ifName, tapped));
}

describe('an ADD waits for what is late:', () => {
  test('the pod', async () => {
    const { name, v4, mac } = fixture.next();
    const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip: v4, mac };
    // A runtime that says no UID: nobody knows it before the pod is there.
    const sandbox = await createSandbox({ namespace: 'default', name, uid: '' });
    const add = await waitingAdd(sandbox, 'net1');
    const pod = fixture.cluster.createPod(name);
    await fixture.cluster.allocate(pod, nic);
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  });

  test('its annotations', async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    const add = await waitingAdd(sandbox, 'net1');
    fixture.cluster.annotate(pod, { 'example.com/unrelated': 'x' });
    await fixture.cluster.allocate(pod, nic);
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  });

  test("OVN's routing, where the NIC has the default route", async () => {
    const ip = fixture.next().v4.replace('172.17', '10.16');
    const { pod, sandbox } = await fixture.pod({
      nic: (plain) => ({ ...plain, provider: 'ovn', subnet: PRIMARY, ip }),
    });
    fixture.cluster.annotate(pod, { 'ovn.kubernetes.io/routed': null });
    const add = await waitingAdd(sandbox, 'eth0', { ...PRIMARY_CONFIG, provider: '' });
    fixture.cluster.annotate(pod, { 'ovn.kubernetes.io/routed': 'true' });
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
  });

  test('the Subnet that its annotation names', async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    const subnet = {
      name: 'late-subnet',
      provider: ATTACHNET,
      cidrBlock: '10.85.0.0/16',
      gateway: '10.85.0.1',
    };
    fixture.cluster.writeIp(pod, { ...nic, subnet, ip: '10.85.0.9' });
    fixture.cluster.annotate(pod, allocationAnnotations({ ...nic, subnet, ip: '10.85.0.9' }));
    const add = await waitingAdd(sandbox, 'net1');
    await fixture.cluster.createSubnet(subnet);
    await fixture.cluster.createPort(pod, { ...nic, subnet, ip: '10.85.0.9' });
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await canPing(sandbox, '10.85.0.1')).toBe(true);
  });

  test("OVN's flows for its logical switch port", async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    fixture.cluster.writeIp(pod, nic);
    fixture.cluster.annotate(pod, allocationAnnotations(nic));
    const add = await startAdd(sandbox, 'net1', ovnConfig());
    await portAppears(hostName(sandbox, 'net1'));
    await fixture.cluster.createPort(pod, nic);
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  });

  test('its gateway', async () => {
    const late = await withoutGateway('late-gateway', 84, {});
    const { sandbox } = await podOn(late, '10.84.0.9');
    const add = await startAdd(sandbox, 'net1', ovnConfig({ provider: late.provider }));
    await portAppears(hostName(sandbox, 'net1'));
    const port = ['ovn-cluster', 'ovn-cluster-late-gateway', '00:00:00:ff:fe:01'] as const;
    await fixture.node.nbctl('lrp-add', ...port, '10.84.0.1/16');
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
  });
});

describe('the gateway need not answer', () => {
  test('where the Subnet has disableGatewayCheck', async () => {
    const { sandbox } = await podOn(unchecked, '10.82.0.5,fd00:10:82::5');
    await mustAdd(sandbox, 'net1', ovnConfig({ provider: unchecked.provider }));
  });

  test.each([
    ['pod', 'silent.default.ovn.kubernetes.io/activation_strategy', {}],
    ['launcher of a VM', 'kubevirt.io/migrationJobName', { virtualmachine: 'moving' }],
  ])('where the %s has the annotation %s', async (_, annotation, more) => {
    const annotations = { [annotation]: 'rarp' };
    const { sandbox, pod, nic } = await podOn(silent, '10.81.0.5', annotations, more);
    const config = ovnConfig({ provider: silent.provider });
    await mustAdd(sandbox, 'net1', config);
    await mustDelete(sandbox, 'net1', config);
    await fixture.cluster.deletePod(pod, [nic]);
  });
});

describe('a Subnet that an annotation names and that never comes', () => {
  test("gives way to the provider's Subnet", async () => {
    const { sandbox, pod } = await fixture.pod();
    fixture.cluster.annotate(pod, { [`${ATTACHNET}.kubernetes.io/logical_switch`]: 'nowhere' });
    const name = `${pod.name}.default.${ATTACHNET}`;
    fixture.api.patch('IP', name, { spec: { subnet: 'nowhere' } });
    await mustAdd(sandbox, 'net1', ovnConfig());
  });

  test('is named by the error where the provider has none', async () => {
    const provider = 'lost.default.ovn';
    const subnet = { ...fixture.attachnet, name: 'nowhere' };
    const { sandbox, pod, nic } = await fixture.pod({ nic: () => undefined });
    fixture.cluster.annotate(pod, allocationAnnotations({ ...nic, provider, subnet }));
    const result = await failedAdd(sandbox, 'net1', ovnConfig({ provider }));
    expect(result).toMatchObject({ code: 7 });
    expect(result.msg).toContain(`provider "${provider}" is not bound to any Subnet`);
    expect(result.msg).toContain('"nowhere"');
  });
});

test("a static pod is known by its manifest's hash", async () => {
  const hash = '0123456789abcdef0123456789abcdef';
  const { sandbox } = await fixture.pod({ annotations: { 'kubernetes.io/config.hash': hash } });
  await mustAdd({ ...sandbox, pod: { ...sandbox.pod, uid: hash } }, 'net1', ovnConfig());
});

describe('when the deadline passes, nothing is left and the error names the wait:', () => {
  beforeAll(() => fixture.restartDaemon([SHORT]));

  /** Runs an ADD that fails with error 11 after its deadline, and leaves nothing. */
  async function expectTimeout(
    sandbox: Sandbox,
    ifName: string,
    config: object,
    texts: { msg: readonly string[]; details: readonly string[] },
  ) {
    const before = await census(fixture.node);
    const result = await failedAdd(sandbox, ifName, { ...ovnConfig(), ...config });
    expect(result).toMatchObject({ code: 11 });
    for (const text of ['waited 1 s', ...texts.msg]) expect(result.msg).toContain(text);
    for (const text of texts.details) expect(result.details).toContain(text);
    expect(await census(fixture.node)).toEqual(before);
  }

  test('the pod', async () => {
    const pod = { namespace: 'default', name: fixture.next().name, uid: randomUUID() };
    const sandbox = await createSandbox(pod);
    await expectTimeout(
      sandbox,
      'net1',
      {},
      {
        msg: [`pod default/${pod.name} with UID ${pod.uid} to appear`],
        details: ['scheduled here'],
      },
    );
  });

  test('the address', async () => {
    const { sandbox, pod } = await fixture.pod({ nic: () => undefined });
    await expectTimeout(
      sandbox,
      'net1',
      {},
      {
        msg: [
          `no address allocated to pod default/${pod.name} provider ${ATTACHNET}: waited`,
          `${ATTACHNET}.kubernetes.io/ip_address`,
        ],
        details: [`events of pod default/${pod.name}`, 'kube-ovn-controller'],
      },
    );
  });

  test('the address on a Subnet that is being deleted', async () => {
    const provider = 'ending.default.ovn';
    const metadata = { name: 'ending', finalizers: ['kubeovn.io/kube-ovn-controller'] };
    fixture.api.create({ kind: 'Subnet', metadata, spec: { provider } });
    fixture.api.delete('Subnet', 'ending');
    const { sandbox, pod } = await fixture.pod({ nic: () => undefined });
    await expectTimeout(
      sandbox,
      'net1',
      { provider },
      {
        msg: [`no address allocated to pod default/${pod.name} provider ${provider}: waited`],
        details: ['Subnet ending, which is being deleted'],
      },
    );
  });

  test("OVN's routing", async () => {
    const { sandbox, pod } = await fixture.pod({
      annotations: { [`${ATTACHNET}.kubernetes.io/default_route`]: 'true' },
    });
    fixture.cluster.annotate(pod, { [`${ATTACHNET}.kubernetes.io/routed`]: null });
    await expectTimeout(
      sandbox,
      'net1',
      {},
      {
        msg: [`${ATTACHNET}.kubernetes.io/routed`],
        details: ['kube-ovn-controller'],
      },
    );
  });

  test("OVN's flows", async () => {
    const { sandbox, pod, nic } = await fixture.pod({ nic: () => undefined });
    fixture.cluster.writeIp(pod, nic);
    fixture.cluster.annotate(pod, allocationAnnotations({ ...nic, more: { ingress_rate: '5' } }));
    await expectTimeout(
      sandbox,
      'net1',
      {},
      {
        msg: [`logical switch port ${pod.name}.default.${ATTACHNET}`, 'ovn-installed'],
        details: ['ovn-controller', 'northbound'],
      },
    );
  });

  test.each(['10.81.0.6', 'fd00:10:81::6'])('the gateway of %s', async (ip) => {
    const { sandbox } = await podOn(silent, ip);
    const gateway = ip.includes(':') ? 'fd00:10:81::1' : '10.81.0.1';
    await expectTimeout(
      sandbox,
      'net1',
      { provider: silent.provider },
      {
        msg: [`gateway ${gateway} to answer on net1`],
        details: ['spec.disableGatewayCheck'],
      },
    );
  });
});
