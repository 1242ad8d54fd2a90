/**
 * Annotations are the word of a pod's author. An address, a MAC address and a logical switch port are
 * given only where the objects say the same that no author of a pod can write.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allocationAnnotations, type NicPlan, portName } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import { cni, createSandbox, type Sandbox } from '../lab/runtime.ts';
import { podAddresses } from '../lab/snapshot.ts';
import { ATTACHNET, type Fixture, ovnConfig } from './fixture.ts';
import { MACVLAN, macvlanConfig, macvlanSubnet, startIpamNode, succeeded } from './ipam-fixture.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  failedAdd,
  mustAdd,
  mustDelete,
  rowsOf,
  startAdd,
  Tap,
} from './observe.ts';
import { endSandboxes } from './sandboxes.ts';

const GATEWAY = '172.17.0.1';
const TAP = '/run/tap.sock';
const IPS = '/apis/kubeovn.io/v1/ips';
const SHORT = '--add-timeout-seconds=4';

let fixture: Fixture;
let tap: Tap;
let before: Census;
beforeAll(async () => {
  fixture = await startIpamNode();
  await fixture.restartDaemon([SHORT]);
  tap = await Tap.start(TAP, SOCKET);
  before = await census(fixture.node);
});
afterAll(async () => {
  await tap[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

let sandboxes: Sandbox[];
beforeEach(() => {
  sandboxes = [];
});
afterEach(async () => {
  await endSandboxes(fixture, sandboxes);
  await expectNode(fixture.node, before);
});

/** A pod on macvlan; nothing is allocated to it. */
function macvlanPod(annotations: Readonly<Record<string, string>> = {}) {
  const { name, v4 } = fixture.next();
  const pod = fixture.cluster.createPod(name, annotations);
  const nic: NicPlan = { provider: MACVLAN, subnet: macvlanSubnet, ip: v4 };
  return { pod, nic };
}

async function sandboxOf(pod: Sandbox['pod']): Promise<Sandbox> {
  const sandbox = await createSandbox(pod);
  sandboxes.push(sandbox);
  return sandbox;
}

/** An ADD of macvlan, with the error of our executable. */
async function refusedMacvlan(pod: Sandbox['pod']) {
  const sandbox = await sandboxOf(pod);
  const { exitCode, result } = await cni('ADD', sandbox, 'net1', macvlanConfig(MACVLAN));
  expect(exitCode).toBe(1);
  expect(await podAddresses(sandbox, 'net1')).toEqual([]);
  return `${result?.msg} ${result?.details}`;
}

describe('addresses for another plugin', () => {
  test('are not those that a copy of a pod says it has', async () => {
    const victim = macvlanPod();
    await fixture.cluster.allocate(victim.pod, victim.nic);
    const copy = macvlanPod(allocationAnnotations(victim.nic));
    const said = await refusedMacvlan(copy.pod);
    expect(said).toContain(`IP object ${portName(copy.pod, copy.nic)}`);
    expect(said).toContain(`confirm ${victim.nic.ip}`);
    expect(said).toContain('does not exist');
    expect(said).toContain('copied from another pod');
  });

  test('are not those that annotations were changed to', async () => {
    const { pod, nic } = macvlanPod();
    await fixture.cluster.allocate(pod, nic);
    const forged = `${MACVLAN}.kubernetes.io/ip_address`;
    fixture.cluster.annotate(pod, { [forged]: '172.17.99.1' });
    expect(await refusedMacvlan(pod)).toContain(`says ${nic.ip}, not 172.17.99.1`);
  });

  test('are not those of a pod of another namespace, whose name makes the same IP object', async () => {
    const { nic } = macvlanPod();
    const victim = fixture.cluster.createPod('web', {}, 'shop');
    await fixture.cluster.allocate(victim, { ...nic, provider: 'net.prod' });
    await fixture.cluster.createSubnet({ ...macvlanSubnet, name: 'prod', provider: 'net.prod' });
    // web.shop.net.prod, too.
    const thief = fixture.cluster.createPod('web.shop.net', allocated('ovn', nic.ip), 'prod');
    const sandbox = await sandboxOf(thief);
    const config = ovnConfig({ provider: 'ovn' });
    const { msg } = await failedAdd(sandbox, 'net1', config);
    expect(msg).toContain('belongs to shop/web');
  });

  test('wait for the IP object, and come with it', async () => {
    const { pod, nic } = macvlanPod();
    fixture.cluster.annotate(pod, allocationAnnotations(nic));
    const sandbox = await sandboxOf(pod);
    const config = macvlanConfig(MACVLAN, { server_socket: TAP });
    const add = await tap.passedOn(async () => ({
      outcome: cni('ADD', sandbox, 'net1', config),
    }));
    fixture.cluster.writeIp(pod, nic);
    succeeded(await add.outcome);
    expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
  });

  test('come with the network and the gateway of the Subnet, whatever is annotated', async () => {
    const { pod, nic } = macvlanPod();
    await fixture.cluster.allocate(pod, nic);
    fixture.cluster.annotate(pod, {
      [`${MACVLAN}.kubernetes.io/cidr`]: '172.0.0.0/8',
      [`${MACVLAN}.kubernetes.io/gateway`]: '172.17.99.1',
      [`${MACVLAN}.kubernetes.io/default_route`]: 'true',
    });
    const sandbox = await sandboxOf(pod);
    const result = succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(MACVLAN)));
    expect(result.ips).toMatchObject([{ address: `${nic.ip}/16`, gateway: GATEWAY }]);
  });
});

describe('a MAC address for an interface of another plugin', () => {
  /** One for each interface: those of a node's macvlan link differ. */
  let made = 0;
  function newMac(): string {
    made += 1;
    return `00:00:00:53:6b:${(0xa0 + made).toString(16)}`;
  }
  const VICTIMS = '00:00:00:99:99:99';

  /** What a pod's author can have Multus pass on, by `mac` and by `cni-args` of the annotation. */
  const PLACES: readonly [
    string,
    (mac: string) => { more?: object; args?: Record<string, string> },
  ][] = [
    ['CNI_ARGS', (mac) => ({ args: { MAC: mac } })],
    ['runtimeConfig', (mac) => ({ more: { runtimeConfig: { mac } } })],
    ['args.cni', (mac) => ({ more: { args: { cni: { mac } } } })],
  ];

  /** A pod of which our controller has noted which MAC address it got. */
  async function notedPod(mac: string | undefined) {
    const { pod, nic } = macvlanPod();
    await fixture.cluster.allocate(pod, nic);
    const note = JSON.stringify({ uid: 'uid', addresses: nic.ip, mac });
    const annotations = { 'ovn.kubernetes.io/allocation': note };
    fixture.api.patch('IP', portName(pod, nic), { metadata: { annotations } });
    return pod;
  }

  async function addWith(
    pod: Sandbox['pod'],
    { more = {}, args = {} }: ReturnType<(typeof PLACES)[0][1]>,
  ) {
    const sandbox = await sandboxOf(pod);
    const config = { ...macvlanConfig(MACVLAN), ...more };
    return cni('ADD', sandbox, 'net1', config, {}, args);
  }

  test.each(PLACES)("is not another's, said by %s", async (_, place) => {
    for (const own of [newMac(), '']) {
      const { exitCode, result } = await addWith(await notedPod(own), place(VICTIMS));
      expect(exitCode).toBe(1);
      expect(`${result?.msg} ${result?.details}`).toContain(`is to have "${VICTIMS}"`);
    }
  });

  test.each(PLACES)('is the one that the pod asked for, said by %s', async (_, place) => {
    const mac = newMac();
    const result = succeeded(await addWith(await notedPod(mac), place(mac.toUpperCase())));
    expect(result.ips).toHaveLength(1);
  });

  test('may be any where the controller notes none, as Kube-OVN does', async () => {
    const { pod, nic } = macvlanPod();
    await fixture.cluster.allocate(pod, nic);
    succeeded(await addWith(pod, { args: { MAC: VICTIMS } }));
  });
});

describe('an OVN NIC', () => {
  test.each([
    ['address', { ip_address: '172.17.99.2' }, 'not 172.17.99.2'],
    ['MAC address', { mac_address: '00:00:00:99:99:99' }, 'not 00:00:00:99:99:99'],
    ['Subnet', { logical_switch: 'macvlan' }, 'is of Subnet attachnet, not macvlan'],
  ])('gets no %s that is only annotated, and nothing is left', async (_, forged, why) => {
    const { pod, sandbox } = await fixture.pod();
    sandboxes.push(sandbox);
    const annotations = Object.entries(forged).map(([key, value]) => [
      `${ATTACHNET}.kubernetes.io/${key}`,
      value,
    ]);
    fixture.cluster.annotate(pod, Object.fromEntries(annotations));
    const { code, msg } = await failedAdd(sandbox, 'net1', ovnConfig());
    expect({ code, msg }).toEqual({ code: 11, msg: expect.stringContaining(why) });
  });
});

describe("a virtual machine's NIC", () => {
  const VM = { virtualmachine: 'victim' };
  let launcher: Awaited<ReturnType<Fixture['pod']>>;
  beforeEach(async () => {
    launcher = await fixture.pod({ nic: (nic) => ({ ...nic, more: VM }) });
    sandboxes.push(launcher.sandbox);
    await mustAdd(launcher.sandbox, 'net1', ovnConfig());
  });
  afterEach(async () => {
    await fixture.cluster.deletePod(launcher.pod, [launcher.nic]);
    fixture.api.delete('VirtualMachineInstance', 'default/victim');
  });

  const holders = async () => {
    const rows = await rowsOf(fixture.node, 'Interface');
    const port = portName(launcher.pod, launcher.nic);
    return rows
      .filter(({ external_ids }) => external_ids['iface-id'] === port)
      .map(({ external_ids }) => external_ids.container_id);
  };

  async function expectKept() {
    expect(await holders()).toEqual([launcher.sandbox.containerId]);
    expect(await canPing(launcher.sandbox, GATEWAY)).toBe(true);
  }

  /** A pod with a copy of the launcher's annotations. */
  async function thief(ownerReferences?: readonly object[]): Promise<Sandbox> {
    const annotations = allocationAnnotations(launcher.nic);
    const routed = { [`${ATTACHNET}.kubernetes.io/routed`]: 'true' };
    const owned = ownerReferences === undefined ? undefined : { ownerReferences };
    const { name } = fixture.next();
    const pod = fixture.cluster.createPod(name, { ...annotations, ...routed }, 'default', owned);
    return sandboxOf(pod);
  }

  test('is not plugged by a pod that only names the machine', async () => {
    const { code, msg } = await failedAdd(await thief(), 'net1', ovnConfig());
    expect(code).toBe(11);
    expect(msg).toContain('to be a launcher of virtual machine victim');
    await expectKept();
  });

  test('is not plugged by a pod whose owner has the name of the machine, and not its UID', async () => {
    fixture.api.patch('Pod', `default/${launcher.pod.name}`, { status: { phase: 'Succeeded' } });
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name: 'victim' };
    const sandbox = await thief([{ ...owner, uid: 'made-up' }]);
    const { msg } = await failedAdd(sandbox, 'net1', ovnConfig());
    expect(msg).toContain('has another UID');
    await expectKept();
  });

  test('is not taken from a launcher that lives, by a pod that says it is one, too', async () => {
    const { metadata } = fixture.api.get('Pod', `default/${launcher.pod.name}`);
    const sandbox = await thief(metadata.ownerReferences as object[]);
    const { code, msg } = await failedAdd(sandbox, 'net1', ovnConfig());
    expect(code).toBe(11);
    expect(msg).toContain(`pod default/${launcher.pod.name} of this node, which is running`);
    await expectKept();
  });

  test('goes to the next launcher when the one before has ended', async () => {
    const { metadata } = fixture.api.get('Pod', `default/${launcher.pod.name}`);
    fixture.api.patch('Pod', `default/${launcher.pod.name}`, { status: { phase: 'Succeeded' } });
    const sandbox = await thief(metadata.ownerReferences as object[]);
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await holders()).toEqual([sandbox.containerId]);
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
    // Not back to the one that has ended: the next launcher may be on another node.
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(await holders()).toEqual([]);
  });

  test('comes back to the sandbox that lost it, where the newer one goes and the pod lives', async () => {
    const newer = await sandboxOf(launcher.pod);
    await mustAdd(newer, 'net1', ovnConfig());
    expect(await holders()).toEqual([newer.containerId]);
    await mustDelete(newer, 'net1', ovnConfig());
    await expectKept();
  });
});

describe('where the daemon may read one IP object, and not follow them', () => {
  beforeAll(async () => {
    fixture.api.faults.failNext(10_000, 403, { verb: 'list', path: IPS });
    await fixture.restartDaemon(['--add-timeout-seconds=20']);
  });

  test('addresses are confirmed, and copies are not', async () => {
    const { pod, nic } = macvlanPod();
    await fixture.cluster.allocate(pod, nic);
    const sandbox = await sandboxOf(pod);
    succeeded(await cni('ADD', sandbox, 'net1', macvlanConfig(MACVLAN)));
    expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
  });

  test('an IP object that comes late is found', async () => {
    const made = await fixture.pod({ nic: () => undefined });
    fixture.cluster.annotate(made.pod, allocationAnnotations(made.nic));
    sandboxes.push(made.sandbox);
    const add = await startAdd(made.sandbox, 'net1', ovnConfig());
    const path = `${IPS}/${portName(made.pod, made.nic)}`;
    await fixture.api.requests.waitFor({ verb: 'get', path }, 1);
    await fixture.cluster.createPort(made.pod, made.nic);
    fixture.cluster.writeIp(made.pod, made.nic);
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await canPing(made.sandbox, GATEWAY)).toBe(true);
  });
});

/** Outage and all: see outage-api.test.ts for a daemon that may follow them. */
test('a daemon that may only read them has read those of known pods before an outage', async () => {
  fixture.api.faults.failNext(10_000, 403, { verb: 'list', path: IPS });
  await fixture.restartDaemon(['--add-timeout-seconds=20']);
  const { pod, sandbox, nic } = await fixture.pod();
  sandboxes.push(sandbox);
  await fixture.api.requests.waitFor({ verb: 'get', path: `${IPS}/${portName(pod, nic)}` }, 1);
  const copy = await sandboxOf(fixture.cluster.createPod('copy', allocationAnnotations(nic)));
  // Its refusal proves that what was asked for before has been answered.
  await fixture.api.requests.waitFor({ verb: 'get', path: `${IPS}/${portName(copy.pod, nic)}` }, 1);
  fixture.api.faults.failAll(503);
  try {
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  } finally {
    fixture.api.faults.failAll(undefined);
  }
});

/** What a controller would annotate for an address of the network of a provider. */
function allocated(provider: string, ip: string): Record<string, string> {
  const values = { allocated: 'true', ip_address: ip, cidr: '172.17.0.0/16', mac_address: MAC };
  const entries = Object.entries(values).map(([key, value]) => [
    `${provider}.kubernetes.io/${key}`,
    value,
  ]);
  return Object.fromEntries(entries);
}
const MAC = '00:00:00:53:6b:b6';
