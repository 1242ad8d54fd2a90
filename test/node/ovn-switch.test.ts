/**
 * OVS and ovn-controller of a node, by the start scripts of the component ovn: each is a container that
 * ends and comes back by itself, and pods' ports and flows stay.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { Central } from '../lab/ovn-central.ts';
import { Script } from '../lab/script.ts';

const RUN = '/run/openvswitch';
const ID_FILE = '/run/node/etc/system-id.conf';
const RECOVERY = { timeout: 50_000, interval: 200 };

let central: Central;
/** The containers of the pod, by the names of their scripts. */
const scripts = new Map<string, Script>();
const NAMES = ['switch-database.sh', 'switch.sh', 'controller.sh'] as const;
type Name = (typeof NAMES)[number];

const environment = () => ({
  POD_IP: '10.9.0.254',
  OVN_DB_IPS: central.node(1).address,
  NODE_NAME: 'node1',
  DATAPATH_TYPE: 'netdev',
  OVS_RUNDIR: RUN,
  OVN_RUNDIR: '/run/ovn',
  OVS_DBDIR: '/run/node/etc',
});

function start(name: Name): Script {
  const script = Script.start(name, { environment: environment() });
  scripts.set(name, script);
  return script;
}

const vsctl = (...words: readonly string[]) =>
  command('ovs-vsctl', [`--db=unix:${RUN}/db.sock`, '--timeout=50', ...words]);
const get = async (...words: readonly string[]) =>
  (await vsctl('--bare', '--if-exists', 'get', ...words)).trim();
const flows = async () =>
  (await command('ovs-ofctl', ['-OOpenFlow15', 'dump-flows', `unix:${RUN}/br-int.mgmt`])).split(
    '\n',
  ).length;
const isConnected = async () =>
  (
    await command('ovn-appctl', [
      '-t',
      `/run/ovn/ovn-controller.${await pid()}.ctl`,
      'connection-status',
    ])
  ).trim();
const pid = async () => (await readFile('/run/ovn/ovn-controller.pid', 'utf8')).trim();

/** A pod's port: a veth pair into a namespace, and its logical switch port. */
async function plug(name: string, address: string): Promise<void> {
  await command('ip', ['netns', 'add', name]);
  for (const words of [
    `link add ${name}h up type veth peer name eth0 netns ${name}`,
    `-n ${name} link set eth0 up`,
    `-n ${name} address add ${address}/24 dev eth0`,
  ])
    await command('ip', words.split(' '));
  const [, mac = ''] =
    /ether (\S+)/.exec(await command('ip', ['-n', name, 'link', 'show', 'eth0'])) ?? [];
  await central.nbctl(
    ...['lsp-add', 'one', name, '--'],
    ...['lsp-set-addresses', name, `${mac} ${address}`],
  );
  const row = ['--', 'set', 'Interface', `${name}h`, `external_ids:iface-id=${name}`];
  await vsctl('add-port', 'br-int', `${name}h`, ...row);
  await vsctl('wait-until', 'Interface', `${name}h`, 'external_ids:ovn-installed=true');
}

/** Packets lost of a stream that runs while something is done. */
async function lostDuring(task: () => Promise<void>): Promise<number> {
  const words = ['netns', 'exec', 'a', 'ping', '-q', '-i', '0.05', '-c', '160', '10.1.0.3'];
  const stream = command('ip', words).catch((error: Error) => error.message);
  await task();
  const [, lost = '?'] = /(\d+)% packet loss/.exec(await stream) ?? [];
  return Number(lost);
}

beforeAll(async () => {
  central = await Central.create({ members: 1 });
  const node = central.node(1);
  node.startAll();
  await node.works();
  await central.nbctl('ls-add', 'one');
  // All at once, as the kubelet does.
  for (const name of NAMES) start(name);
  await vsctl(
    '--retry',
    '--no-wait',
    'set',
    'Open_vSwitch',
    '.',
    'external_ids:ovn-encap-ip=10.9.0.254',
  );
  await vsctl('wait-until', 'Bridge', 'br-int');
  await plug('a', '10.1.0.2');
  await plug('b', '10.1.0.3');
});
afterAll(async () => {
  for (const script of scripts.values()) await script.stop('SIGKILL');
  await central[Symbol.asyncDispose]();
});

test('the node is a chassis by an id that stays in its file, with the settings of its pod', async () => {
  const id = (await readFile(ID_FILE, 'utf8')).trim();
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  const settings = await get('Open_vSwitch', '.', 'external_ids');
  expect(settings).toContain(`system-id="${id}"`);
  expect(settings).toContain('ovn-remote="tcp:[10.9.0.1]:6642"');
  expect(settings).toContain('hostname=node1');
  const chassis = await command('ovn-sbctl', [
    '--db=tcp:[10.9.0.1]:6642',
    '--bare',
    '--columns=name,hostname',
    'list',
    'Chassis',
  ]);
  expect(chassis.trim().split('\n')).toEqual([id, 'node1']);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'ovn-controller that ends by %s and comes back: no packet is lost, and the chassis stays',
  async (signal) => {
    const id = await readFile(ID_FILE, 'utf8');
    const before = await flows();
    const lost = await lostDuring(async () => {
      await scripts.get('controller.sh')?.stop(signal);
      expect(await flows()).toBe(before);
      start('controller.sh');
      await expect.poll(isConnected, RECOVERY).toBe('connected');
    });
    expect(lost).toBe(0);
    expect(await readFile(ID_FILE, 'utf8')).toBe(id);
  },
);

test('the database of OVS that ends and comes back: no packet is lost, and ports are as they were', async () => {
  const port = () => get('Interface', 'ah', 'ofport', 'external_ids:iface-id');
  const before = await port();
  const lost = await lostDuring(async () => {
    await scripts.get('switch-database.sh')?.stop('SIGKILL');
    start('switch-database.sh');
    await vsctl('--retry', 'set', 'Open_vSwitch', '.', 'external_ids:test=1');
  });
  expect(lost).toBe(0);
  expect(await port()).toBe(before);
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'ovs-vswitchd that ends by %s and comes back leaves the kernel’s flows until it has those of ovn-controller',
  async (signal) => {
    const before = await flows();
    await scripts.get('switch.sh')?.stop(signal);
    const script = start('switch.sh');
    await script.logged('ovn-controller has given its flows again');
    await expect.poll(flows, RECOVERY).toBe(before);
    expect(await get('Open_vSwitch', '.', 'other_config:flow-restore-wait')).toBe('');
    const words = ['netns', 'exec', 'a', 'ping', '-q', '-c', '3', '-W', '10', '10.1.0.3'];
    expect(await command('ip', words)).toContain(' 0% packet loss');
  },
);

test('all of the pod that end at once and come back: the same', async () => {
  const before = await flows();
  for (const name of NAMES.toReversed()) await scripts.get(name)?.stop('SIGTERM');
  for (const name of NAMES) start(name);
  await scripts.get('switch.sh')?.logged('ovn-controller has given its flows again');
  await expect.poll(flows, RECOVERY).toBe(before);
  expect(await get('Open_vSwitch', '.', 'other_config:flow-restore-wait')).toBe('');
});

test('another OVS on the node is left alone, and named', async () => {
  const { code, log } = await Script.run('switch-database.sh', { environment: environment() });
  expect(code).toBe(1);
  expect(log).toContain('an ovsdb-server runs on this node already');
  expect(await get('Interface', 'ah', 'external_ids:iface-id')).toBe('a');
});

test('an address that the kubelet does not know yet is refused in words that say where it comes from', async () => {
  const wrong = { ...environment(), OVN_DB_IPS: '$(OVN_CENTRAL_SERVICE_HOST)' };
  const { code, log } = await Script.run('controller.sh', { environment: wrong });
  expect(code).toBe(1);
  expect(log).toContain('OVN_DB_IPS=$(OVN_CENTRAL_SERVICE_HOST): expected IP addresses');
  expect(log).toContain('Service ovn-central');
});
