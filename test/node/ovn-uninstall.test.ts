/**
 * What takes the component ovn off a node: image/ovn/uninstall.sh. Servers and files are real. The
 * kernel's datapath is played by a bridge and a device of its names, and ovs-dpctl by a script that
 * removes it, since not every machine's kernel has OVS's modules.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import { command, outcomeOf } from '../lab/command.ts';
import { Script } from '../lab/script.ts';

const RUN = '/run/openvswitch';
const NODE = '/run/node';
const TOOLS = '/run/tools';
const ADDRESS = '127.0.0.1';

const environment = {
  PATH: `${TOOLS}:${process.env.PATH}`,
  POD_IP: ADDRESS,
  OVS_RUNDIR: RUN,
  OVN_RUNDIR: '/run/ovn',
  OVS_DBDIR: `${NODE}/openvswitch`,
  OVN_DBDIR: `${NODE}/ovn`,
  OVN_BACKUPS: `${NODE}/backups`,
};
const uninstall = (more: Readonly<Record<string, string>> = {}) =>
  Script.run('uninstall.sh', { environment: { ...environment, ...more } });
const ip = (words: string) => command('ip', words.split(' '));
const links = async () =>
  [...(await ip('-brief link show')).matchAll(/^[^@\s]+/gm)].map(([name]) => name).toSorted();

async function write(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of names) await writeFile(`${folder}/${name}`, '');
}

/** What the component leaves when its pods are gone, with the files of a node that was killed. */
async function leave(): Promise<void> {
  await write(RUN, [
    'db.sock',
    'ovs-vswitchd.7.ctl',
    'ovs-vswitchd.pid',
    'br-int.mgmt',
    'br-int.snoop',
  ]);
  await write('/run/ovn', ['ovn-controller.pid', 'ovn-controller.9.ctl']);
  await write(`${NODE}/openvswitch`, [
    'conf.db',
    '.conf.db.~lock~',
    'conf.db.before-8.3.1',
    'system-id.conf',
  ]);
  await write(`${NODE}/ovn`, [
    'ovnnb_db.db',
    'ovnsb_db.db',
    'ovnnb_db.db.alone',
    '.ovnnb_db.db.~lock~',
  ]);
  await write(`${NODE}/backups`, ['ovnnb_db-20260101T000000Z.db', 'ovnsb_db-20260101T000000Z.db']);
  await ip('link add ovs-system type bridge');
  await ip('tuntap add genev_sys_6081 mode tap');
  await ip('link set genev_sys_6081 master ovs-system');
}

beforeEach(async () => {
  await outcomeOf('umount', ['/run']);
  await command('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  await ip('link set lo up');
  for (const name of ['ovs-system', 'genev_sys_6081', 'pod_h']) {
    await outcomeOf('ip', ['link', 'delete', name]);
  }
  await mkdir(TOOLS, { recursive: true });
  const played = '#!/bin/sh\n[ "$1" = del-dp ] && exec ip link delete "$2"\nexit 1\n';
  await writeFile(`${TOOLS}/ovs-dpctl`, played, { mode: 0o755 });
  await leave();
});

test('the kernel’s datapath, the tunnels and the files of OVS go; OVN’s databases and backups stay, and it says so', async () => {
  const { code, log } = await uninstall();
  expect(log).toContain('this node is clean');
  expect(log).toContain(`OVN's databases stay, in ${NODE}/ovn`);
  expect(code).toBe(0);
  expect(await links()).toEqual(['lo']);
  for (const folder of [RUN, '/run/ovn']) expect(await readdir(folder)).toEqual([]);
  expect((await readdir(NODE)).toSorted()).toEqual(['backups', 'ovn']);
  expect(await readdir(`${NODE}/ovn`)).toHaveLength(4);
});

test('with REMOVE_DATABASES they go, too', async () => {
  expect(await uninstall({ REMOVE_DATABASES: 'true' })).toMatchObject({ code: 0 });
  expect(await readdir(NODE)).toEqual([]);
});

test('a second time it finds nothing, and is content', async () => {
  await uninstall({ REMOVE_DATABASES: 'true' });
  const { code, log } = await uninstall({ REMOVE_DATABASES: 'true' });
  expect(log).toBe('uninstall.sh: this node is clean');
  expect(code).toBe(0);
});

test('files of others stay, with their folder, and are named', async () => {
  await write(`${NODE}/openvswitch`, ['keys.pem']);
  await write(RUN, ['kube-ovn-daemon.sock']);
  const { code, log } = await uninstall();
  expect(code).toBe(0);
  expect(log).toContain(`${NODE}/openvswitch stays: keys.pem`);
  expect(await readdir(RUN)).toEqual(['kube-ovn-daemon.sock']);
});

test('while an interface is plugged nothing is removed, and the interface is named', async () => {
  await ip('tuntap add pod_h mode tap');
  await ip('link set pod_h master ovs-system');
  const { code, log } = await uninstall();
  expect(code).toBe(1);
  expect(log).toContain('interfaces are plugged into Open vSwitch yet: pod_h;');
  expect(await links()).toEqual(['genev_sys_6081', 'lo', 'ovs-system', 'pod_h']);
  expect(await readdir(`${NODE}/openvswitch`)).toContain('conf.db');
});

test('while an Open vSwitch runs on the node nothing is removed', async () => {
  await rm(`${NODE}/openvswitch`, { recursive: true });
  const script = Script.start('switch-database.sh', { environment });
  try {
    await command('ovs-vsctl', [`--db=unix:${RUN}/db.sock`, '--retry', '--no-wait', 'init']);
    const { code, log } = await uninstall();
    expect(code).toBe(1);
    expect(log).toContain(`ovsdb-server runs on this node, in ${RUN}`);
    expect(await links()).toContain('ovs-system');
    expect(await readdir(`${NODE}/openvswitch`)).toContain('conf.db');
  } finally {
    await script.stop();
  }
});

test('databases that are served yet are not removed', async () => {
  await rm(`${NODE}/ovn`, { recursive: true });
  const script = Script.start('database.sh', { args: ['nb'], environment });
  try {
    const socket = 'unix:/run/ovn/ovnnb_db.sock';
    const address = `[${ADDRESS}]`;
    const serves = (remote: string) =>
      command('ovsdb-client', ['--timeout=50', 'wait', remote, 'OVN_Northbound', 'connected']);
    await serves(socket);
    await command('ovn-nbctl', [`--db=${socket}`, 'set-connection', `ptcp:6641:${address}`]);
    await serves(`tcp:${address}:6641`);
    const { code, log } = await uninstall({ REMOVE_DATABASES: 'true' });
    expect(code).toBe(1);
    expect(log).toContain('a database answers on port 6641 of this node');
    expect(await readdir(`${NODE}/ovn`)).toContain('ovnnb_db.db');
    expect(await links()).toContain('ovs-system');
  } finally {
    await script.stop();
  }
});
