/** STATUS of the daemon: what of an ADD's needs is missing, said within a second. */
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADD_PATH, STATUS_PATH } from '../../src/wire/paths.ts';
import { command } from '../lab/command.ts';
import { Daemon, SOCKET } from '../lab/daemon.ts';
import { OVS_DIRECTORY } from '../lab/ovn-node.ts';
import { callRaw } from '../lab/raw-http.ts';
import { ATTACHNET, Fixture, KUBECONFIG, PRIMARY } from './fixture.ts';

const FLAGS = ['--add-timeout-seconds=10'];
/** For programs of OVN to find each other again: they wait up to 8 s between attempts. */
const RECOVERY = { timeout: 60_000, interval: 200 };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(FLAGS);
});
afterAll(() => fixture[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  /** Of the CNI error; 0 where there is none. */
  readonly code: number;
  readonly text: string;
}

const OURS = { cni_type: 'kube-ovn', provider: ATTACHNET };
const MACVLAN = { cni_type: 'macvlan', provider: 'macvlan.default' };

/** One STATUS, which has a second, whatever it says. */
async function ask(request: object = OURS, socket = SOCKET): Promise<Answer> {
  const startedMs = performance.now();
  const body = JSON.stringify(request);
  const { status, text } = await callRaw(socket, { path: STATUS_PATH, body });
  expect(performance.now() - startedMs).toBeLessThan(1000);
  if (status === 204) {
    expect(text).toBe('');
    return { status, code: 0, text };
  }
  const { error, cni_error: failure } = JSON.parse(text);
  expect(failure.msg).toMatch(/^STATUS: /);
  expect(failure.details).not.toBe('');
  expect(error).toBe(`${failure.msg}; ${failure.details}`);
  return { status, code: failure.code, text: failure.msg };
}

/** No ADD for a NIC of ours can be served, for exactly these reasons. */
async function expectUnavailable(...reasons: string[]): Promise<void> {
  const { status, code, text } = await ask();
  expect([status, code], text).toEqual([500, 50]);
  const found = text.replace(/^.* can be served: /, '').split('; ');
  expect(found).toEqual(reasons.map((reason) => expect.stringContaining(reason)));
}

async function ready(request: object = OURS): Promise<void> {
  await expect.poll(async () => (await ask(request)).text, RECOVERY).toBe('');
}

/** Waits until STATUS says this, as what we wait for does not tell us. */
async function saidSoon(text: string, request: object = OURS): Promise<void> {
  await expect.poll(async () => (await ask(request)).text, RECOVERY).toContain(text);
}

/** Stops a program of the node, and lets it go on when it is over. */
async function whileHung(name: string, task: () => Promise<void>): Promise<void> {
  await fixture.node.killPart(name, 'SIGSTOP');
  try {
    await task();
  } finally {
    await fixture.node.killPart(name, 'SIGCONT');
  }
}

test('on a node where everything works the answer is 204, for both kinds of networks', async () => {
  await ready();
  expect(await ask(OURS)).toEqual({ status: 204, code: 0, text: '' });
  expect(await ask({ cni_type: 'kube-ovn', provider: 'ovn' })).toMatchObject({ status: 204 });
  expect(await ask(MACVLAN)).toMatchObject({ status: 204 });
});

test.each([
  ['ovs-vswitchd', 'ovs-vswitchd does not answer: it takes too long'],
  ['ovn-controller', 'ovn-controller does not answer: it takes too long'],
  ['ovsdb-server', 'ovsdb-server does not answer: it takes too long'],
])('a hanging %s is named in time, and does not concern a delegate', async (name, reason) => {
  await whileHung(name, async () => {
    await expectUnavailable(reason);
    expect(await ask(MACVLAN)).toMatchObject({ status: 204 });
  });
  await ready();
});

test('several reasons stand in one answer', async () => {
  await whileHung('ovs-vswitchd', () =>
    whileHung('ovn-controller', () =>
      expectUnavailable('ovs-vswitchd does not answer', 'ovn-controller does not answer'),
    ),
  );
  await ready();
});

test('without the integration bridge no ADD is possible', async () => {
  await whileHung('ovn-controller', async () => {
    await fixture.node.vsctl('del-br', 'br-int');
    await expectUnavailable('there is no bridge br-int', 'ovn-controller does not answer');
  });
  await ready();
});

test('a killed ovn-controller is named until it is back', async () => {
  const { node } = fixture;
  await node.killPart('ovn-controller');
  await saidSoon('ovn-controller does not answer: ovs-appctl: cannot connect to');
  await rm(`${OVS_DIRECTORY}/ovn-controller.pid`);
  await expectUnavailable(
    'ovn-controller does not run: there is no pid in /run/ovn/ovn-controller.pid or /run/openvswitch/ovn-controller.pid',
  );
  await node.startPart('ovn-controller');
  await ready();
});

test('an ovn-controller that lost the southbound database is no help', async () => {
  const { node } = fixture;
  await node.killPart('sb');
  await saidSoon("ovn-controller is not connected to OVN's southbound database");
  expect(await ask(MACVLAN)).toMatchObject({ status: 204 });
  await node.startPart('sb');
  await ready();
});

test('an outage of ovsdb-server with 20 calls writes a line for each thing that changed', async () => {
  const { node, daemon } = fixture;
  // Lines arrive in order: with this one, those of earlier tests are here.
  await callRaw(SOCKET, { path: ADD_PATH, body: '{}' });
  await daemon.logged('the request is wrong');
  const lines = daemon.log.length;
  await node.killPart('ovsdb-server');
  const lost = [
    'ovsdb-server does not answer: ovs-vsctl: unix:/run/openvswitch/db.sock: database connection failed',
    "changes of OVS's rows do not arrive: unix:/run/openvswitch/db.sock: ",
  ];
  await saidSoon(lost[1] ?? '');
  for (let count = 0; count < 20; count += 1) await expectUnavailable(...lost);
  await node.startPart('ovsdb-server');
  await ready();
  await daemon.logged("back in touch with OVS's database");
  await callRaw(SOCKET, { path: ADD_PATH, body: '{}' });
  await daemon.logged('the request is wrong', 2);

  const log = daemon.log.slice(lines, -1).map((line) => JSON.parse(line));
  const count = (text: string) => log.filter(({ msg }) => msg.includes(text)).length;
  expect(count("lost touch with OVS's database")).toBe(1);
  expect(count("back in touch with OVS's database")).toBe(1);
  expect(count('STATUS: ADDs can be served again')).toBe(1);
  // Once the one reason and then both, and then perhaps what is back later than the rest.
  expect(count('STATUS: no ADD for network')).toBeLessThanOrEqual(4);
  expect(log.length).toBeLessThanOrEqual(8);
});

test("a node whose tunnels' address is not known is not ready", async () => {
  const { node } = fixture;
  // A daemon that runs writes it again.
  await fixture.daemon.stop();
  await node.vsctl('remove', 'open', '.', 'external_ids', 'ovn-encap-ip');
  await fixture.restartDaemon([...FLAGS, '--iface=nosuch']);
  await saidSoon("this node's tunnels are not set up");
  expect(await ask(MACVLAN)).toMatchObject({ status: 204 });
  await node.vsctl('set', 'open', '.', 'external_ids:ovn-encap-ip=127.0.0.1');
  await ready();
});

test('a daemon that has never heard of the API server is not ready, for any network', async () => {
  const { api } = fixture;
  await api.close();
  await fixture.restartDaemon(FLAGS);
  await saidSoon('the first list of pods has not come from the API server yet');
  const unfilled = [
    'the first list of pods has not come',
    'the first list of Subnets has not come',
  ];
  await expect.poll(async () => (await ask()).text, RECOVERY).not.toContain('rows');
  await expectUnavailable(...unfilled);
  const { code, text } = await ask(MACVLAN);
  expect(code).toBe(50);
  for (const reason of unfilled) expect(text).toContain(reason);
  await api.start();
  await ready();
  await ready(MACVLAN);
});

test('a short outage of the API server does not count: what is known is enough', async () => {
  const { api } = fixture;
  // One that has no outage behind it: the end of one is sure only after 2 s.
  await fixture.restartDaemon(FLAGS);
  await ready();
  await api.close();
  await fixture.daemon.logged('lost touch with the API server');
  expect(await ask(OURS)).toMatchObject({ status: 204 });
  expect(await ask(MACVLAN)).toMatchObject({ status: 204 });
  await api.start();
});

/** A Subnet with what the controller has counted. */
function createSubnet(name: string, provider: string, cidrBlock: string, status: object): void {
  const metadata = { name };
  // Kube-OVN's own definition takes counts as texts, too.
  fixture.api.createUnchecked({ kind: 'Subnet', metadata, spec: { provider, cidrBlock }, status });
}

test('a network whose Subnets have no address left is told from one that has some', async () => {
  const { api } = fixture;
  const [v4 = '', v6 = ''] = PRIMARY.cidrBlock.split(',');
  createSubnet('v4', 'v4.default.ovn', v4, { v4availableIPs: 0, v6availableIPs: 0 });
  createSubnet('v6', 'v6.default.ovn', v6, { v4availableIPs: 0, v6availableIPs: '0' });
  createSubnet('dual', 'dual.default', `${v4},${v6}`, { v4availableIPs: 7, v6availableIPs: 0 });
  createSubnet('two-1', 'two.default.ovn', v4, { v4availableIPs: 0, v6availableIPs: 0 });
  createSubnet('two-2', 'two.default.ovn', v4, { v4availableIPs: 1, v6availableIPs: 0 });
  createSubnet('bare', 'bare.default.ovn', v4, {});
  createSubnet('mac', 'mac.default.ovn', '', { v4availableIPs: 0, v6availableIPs: 0 });
  // Subnets arrive in order: when this one is known, so are the others.
  createSubnet('last', 'last.default', v4, { v4availableIPs: 0, v6availableIPs: 0 });
  await saidSoon('Subnet last', { cni_type: 'ipvlan', provider: 'last.default' });

  const exhausted = [
    ['v4', { cni_type: 'kube-ovn', provider: 'v4.default.ovn' }],
    ['v6', { cni_type: 'kube-ovn', provider: 'v6.default.ovn' }],
    ['dual', { cni_type: 'macvlan', provider: 'dual.default' }],
  ] as const;
  for (const [name, request] of exhausted) {
    const { status, code, text } = await ask(request);
    expect([status, code], text).toEqual([500, 51]);
    expect(text).toBe(
      `STATUS: network "${request.provider}" has no address left in Subnet ${name}`,
    );
  }
  for (const provider of ['two', 'bare', 'mac', 'none'].map((name) => `${name}.default.ovn`)) {
    expect(await ask({ cni_type: 'kube-ovn', provider })).toMatchObject({ status: 204 });
  }

  api.patch('Subnet', 'two-2', { status: { v4availableIPs: 0 } });
  const two = { cni_type: 'kube-ovn', provider: 'two.default.ovn' };
  await saidSoon('has no address left in Subnet two-1, Subnet two-2', two);
  await whileHung('ovs-vswitchd', async () => {
    expect(await ask(two)).toMatchObject({ status: 500, code: 50 });
  });
  api.patch('Subnet', 'two-1', { status: { v4availableIPs: 1 } });
  await ready(two);
});

test('a daemon whose OVS database is no socket asks for no program beside it', async () => {
  // The one place where ovn-controller is still looked for.
  const pid = await readFile(`${OVS_DIRECTORY}/ovn-controller.pid`, 'utf8');
  await mkdir('/run/ovn');
  await writeFile('/run/ovn/ovn-controller.pid', pid);
  const control = `ovn-controller.${pid.trim()}.ctl`;
  await symlink(`${OVS_DIRECTORY}/${control}`, `/run/ovn/${control}`);
  const remote = ['ovsdb-server/add-remote', 'ptcp:6640:127.0.0.1'];
  await command('ovs-appctl', ['-t', `${OVS_DIRECTORY}/ovsdb-server.ctl`, ...remote]);
  const socket = '/run/status-test/daemon.sock';
  const own = [`--bind-socket=${socket}`, '--pprof-port=10666'];
  const flags = [...own, '--ovs-socket=tcp:127.0.0.1:6640'];
  const daemon = await Daemon.start({ kubeconfig: KUBECONFIG, nodeName: 'node1', flags });
  try {
    await expect.poll(async () => (await ask(OURS, socket)).text, RECOVERY).toBe('');
    await whileHung('ovs-vswitchd', async () => {
      expect(await ask(OURS, socket)).toMatchObject({ status: 204 });
    });
    await whileHung('ovn-controller', async () => {
      expect(await ask(OURS, socket)).toMatchObject({ status: 500, code: 50 });
    });
  } finally {
    await daemon.stop();
  }
});
