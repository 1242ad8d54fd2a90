/** The node's mirror: what the daemon sets up when it starts, what it leaves alone, and that it works. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { outcomeInSandbox } from '../lab/runtime.ts';
import { Tcpdump } from '../lab/tcpdump.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { hostName, interfaceRow, mustAdd, mustDelete, type OvsRow, rowsOf } from './observe.ts';

/** For ovs-vswitchd to come back. */
const RECOVERY = { timeout: 60_000, interval: 100 };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

interface Link {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
}

async function linkNamed(name: string): Promise<Link | undefined> {
  const links: Link[] = JSON.parse(await command('ip', ['-j', 'link']));
  return links.find(({ ifname }) => ifname === name);
}

async function isUp(name: string): Promise<boolean> {
  return (await linkNamed(name))?.flags.includes('UP') ?? false;
}

async function rowNamed(table: string, name: string): Promise<OvsRow | undefined> {
  return (await rowsOf(fixture.node, table)).find((row) => row.name === name);
}

async function portOf(name: string): Promise<string | undefined> {
  return (await rowNamed('Port', name))?._uuid;
}

/** All of the bridge, its ports and its mirrors that the daemon could change. */
async function mirrorState() {
  const { node } = fixture;
  const mirrors = await rowsOf(node, 'Mirror');
  return {
    bridges: (await rowsOf(node, 'Bridge')).map(({ ports, mirrors }) => ({ ports, mirrors })),
    ports: (await rowsOf(node, 'Port')).map(({ _uuid, name }) => ({ _uuid, name })),
    mirrors: mirrors.map(({ statistics: _, ...row }) => row),
  };
}

/** Restarts the daemon, and waits until it is done with its mirror, the link of which it sets up last. */
async function restart(...flags: string[]): Promise<void> {
  await fixture.daemon.stop();
  const name = flags.find((flag) => flag.startsWith('--mirror-iface='))?.split('=')[1] ?? 'mirror0';
  if ((await linkNamed(name)) !== undefined) await command('ip', ['link', 'set', name, 'down']);
  await fixture.restartDaemon(flags);
  await expect.poll(() => isUp(name), RECOVERY).toBe(true);
}

test('a port and a mirror that copies nothing yet are there after the first start', async () => {
  const port = await portOf('mirror0');
  const mirror = await rowNamed('Mirror', 'm0');
  expect(mirror).toMatchObject({
    output_port: port,
    select_all: false,
    select_dst_port: null,
    select_src_port: null,
  });
  expect(await rowNamed('Bridge', 'br-int')).toMatchObject({ mirrors: mirror?._uuid });
  expect(await interfaceRow(fixture.node, 'mirror0')).toMatchObject({ type: 'internal' });
  await expect.poll(() => isUp('mirror0'), RECOVERY).toBe(true);
});

test("the next start changes nothing: neither what is mirrored nor an operator's own mirror", async () => {
  const { node } = fixture;
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  await node.vsctl(
    ...['--', '--id=@chosen', 'get', 'Port', 'br-int'],
    ...['--', 'add', 'Mirror', 'm0', 'select_dst_port', '@chosen'],
    ...['--', '--id=@own', 'create', 'Mirror', 'name=own', 'select_vlan=7', 'output_vlan=8'],
    ...['--', 'add', 'Bridge', 'br-int', 'mirrors', '@own'],
  );
  const before = await mirrorState();
  expect(before.mirrors).toHaveLength(2);
  await restart();
  expect(await mirrorState()).toEqual(before);
  await mustDelete(sandbox, 'net1', ovnConfig());
});

test('--enable-mirror comes and goes with a restart, and changes nothing else', async () => {
  const before = await mirrorState();
  for (const all of [true, false]) {
    await restart(...(all ? ['--enable-mirror'] : []));
    const mirrors = before.mirrors.map((row) =>
      row.name === 'm0' ? { ...row, select_all: all } : row,
    );
    expect(await mirrorState()).toEqual({ ...before, mirrors });
  }
});

test('with --enable-mirror, what two pods say to each other is seen on the mirror', async () => {
  await restart('--enable-mirror');
  const pods = [await fixture.pod(), await fixture.pod()] as const;
  for (const { sandbox } of pods) await mustAdd(sandbox, 'net1', ovnConfig());
  const [from, to] = pods;
  const dump = await Tcpdump.start(
    'mirror0',
    2,
    `icmp and host ${from.nic.ip} and host ${to.nic.ip}`,
  );
  const { exitCode } = await outcomeInSandbox(from.sandbox, 'ping', '-n', '-c', '3', to.nic.ip);
  expect(exitCode).toBe(0);
  const packets = (await dump.packets()).join('\n');
  expect(packets).toContain(`${from.nic.ip} > ${to.nic.ip}: ICMP echo request`);
  expect(packets).toContain(`${to.nic.ip} > ${from.nic.ip}: ICMP echo reply`);
  for (const { sandbox } of pods) await mustDelete(sandbox, 'net1', ovnConfig());
  await restart();
});

test('with --enable-mirror, packets of flows that are in use are seen, too', async () => {
  const pods = [await fixture.pod(), await fixture.pod()] as const;
  for (const { sandbox } of pods) await mustAdd(sandbox, 'net1', ovnConfig());
  const [from, to] = pods;
  // Open vSwitch keeps a flow for as long as there is a packet of it every 10 s.
  const options = ['-n', '-q', '-i', '0.2', '-c', '40', to.nic.ip];
  await outcomeInSandbox(from.sandbox, 'ping', '-n', '-c', '3', '-i', '0.2', to.nic.ip);
  const echoes = outcomeInSandbox(from.sandbox, 'ping', ...options);
  await restart('--enable-mirror');
  const dump = await Tcpdump.start('mirror0', 2, `icmp and host ${from.nic.ip}`);
  const seen = dump.packets().then((packets) => packets.length);
  expect(await Promise.race([seen, echoes.then(() => 'none while echoes came')])).toBe(2);
  expect((await echoes).exitCode).toBe(0);
  for (const { sandbox } of pods) await mustDelete(sandbox, 'net1', ovnConfig());
  await restart();
});

test('the link is set up again when ovs-vswitchd comes back and makes it anew', async () => {
  const { node } = fixture;
  const before = await linkNamed('mirror0');
  await node.killPart('ovs-vswitchd');
  await command('ip', ['link', 'delete', 'mirror0']);
  await node.startPart('ovs-vswitchd');
  await expect.poll(() => isUp('mirror0'), RECOVERY).toBe(true);
  expect((await linkNamed('mirror0'))?.ifindex).not.toBe(before?.ifindex);
});

test("a link of OVS's own that was left over is no link of somebody else", async () => {
  const { node, daemon } = fixture;
  await daemon.stop();
  await node.killPart('ovs-vswitchd');
  await node.vsctl('del-port', 'mirror0');
  expect(await linkNamed('mirror0')).toBeDefined();
  await fixture.restartDaemon([]);
  await fixture.daemon.logged('the mirror of this node was set up');
  expect(await interfaceRow(node, 'mirror0')).toMatchObject({ type: 'internal' });
  expect(await rowNamed('Mirror', 'm0')).toMatchObject({ output_port: await portOf('mirror0') });
  await node.startPart('ovs-vswitchd');
  await node.vsctl('wait-until', 'Interface', 'mirror0', 'ofport>0', 'link_state=up');
});

test("a link that is there becomes the mirror's, as it is, and what is mirrored stays", async () => {
  const { node } = fixture;
  const before = await rowNamed('Mirror', 'm0');
  expect(before?.select_dst_port).not.toBeNull();
  await command('ip', ['link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1']);
  await restart('--mirror-iface=probe0');
  expect(await rowNamed('Mirror', 'm0')).toMatchObject({
    _uuid: before?._uuid,
    output_port: await portOf('probe0'),
    select_dst_port: before?.select_dst_port,
  });
  expect(await interfaceRow(node, 'probe0')).toMatchObject({ type: '', external_ids: {} });
  // The other one was made for the mirror alone.
  expect(await portOf('mirror0')).toBeUndefined();
  await expect.poll(() => linkNamed('mirror0'), RECOVERY).toBeUndefined();

  await restart();
  expect(await rowNamed('Mirror', 'm0')).toMatchObject({ output_port: await portOf('mirror0') });
  expect(await portOf('probe0')).toBeDefined();
});

test('pods come and go where there can be no mirror, and the log says why not, once', async () => {
  const { node } = fixture;
  await node.vsctl('add-br', 'br-other', '--', 'add-port', 'br-other', 'probe1');
  await fixture.restartDaemon(['--mirror-iface=probe1']);
  const { daemon } = fixture;
  const why = '--mirror-iface=probe1 is a port of bridge br-other';
  await daemon.logged(why);
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  await mustDelete(sandbox, 'net1', ovnConfig());
  await node.vsctl('del-br', 'br-other');
  await daemon.logged('the mirror of this node was set up');
  expect(daemon.logLines(why)).toHaveLength(1);
});

test('pods that come while the mirror is set up are on it', async () => {
  const { node } = fixture;
  await fixture.daemon.stop();
  await node.vsctl(
    ...['--', 'clear', 'Bridge', 'br-int', 'mirrors'],
    ...['--', '--if-exists', 'del-port', 'mirror0'],
  );
  const more = { mirror: 'true' };
  const pods = await Promise.all(
    Array.from({ length: 5 }, () => fixture.pod({ nic: (nic) => ({ ...nic, more }) })),
  );
  // They wait for the daemon's socket.
  const adds = pods.map(({ sandbox }) => mustAdd(sandbox, 'net1', ovnConfig()));
  await fixture.restartDaemon([]);
  await Promise.all(adds);
  const names = pods.map(({ sandbox }) => hostName(sandbox, 'net1'));
  const ports = await Promise.all(names.map(portOf));
  const mirrored = async () => [(await rowNamed('Mirror', 'm0'))?.select_dst_port].flat();
  await expect.poll(mirrored, RECOVERY).toEqual(expect.arrayContaining(ports));
  for (const { sandbox } of pods) await mustDelete(sandbox, 'net1', ovnConfig());
});

test('a mirror that somebody made anew has the pods that come', async () => {
  const { node } = fixture;
  await node.vsctl(
    ...['--', 'clear', 'Bridge', 'br-int', 'mirrors', '--', '--id=@port', 'get', 'Port', 'mirror0'],
    ...['--', '--id=@mirror', 'create', 'Mirror', 'name=m0', 'output_port=@port'],
    ...['--', 'add', 'Bridge', 'br-int', 'mirrors', '@mirror'],
  );
  const more = { mirror: 'true' };
  const { sandbox } = await fixture.pod({ nic: (nic) => ({ ...nic, more }) });
  await mustAdd(sandbox, 'net1', ovnConfig());
  const port = await portOf(hostName(sandbox, 'net1'));
  const mirrored = async () => [(await rowNamed('Mirror', 'm0'))?.select_dst_port].flat();
  await expect.poll(mirrored, RECOVERY).toContain(port);
  await mustDelete(sandbox, 'net1', ovnConfig());
});

test('in non-primary mode the host has no mirror until a pod asks for it, and that one is on it', async () => {
  const { node } = fixture;
  const mode = ['--non-primary-cni-mode=true'];
  await fixture.daemon.stop();
  await node.vsctl(
    ...['--', 'clear', 'Bridge', 'br-int', 'mirrors', '--', '--if-exists', 'del-port', 'mirror0'],
  );
  await expect.poll(() => linkNamed('mirror0'), RECOVERY).toBeUndefined();
  await fixture.restartDaemon(mode);
  const plain = await fixture.pod();
  await mustAdd(plain.sandbox, 'net1', ovnConfig());
  expect(await rowNamed('Mirror', 'm0')).toBeUndefined();
  expect(await linkNamed('mirror0')).toBeUndefined();

  const mirrored = await fixture.pod({ nic: (nic) => ({ ...nic, more: { mirror: 'true' } }) });
  await mustAdd(mirrored.sandbox, 'net1', ovnConfig());
  const port = await portOf(hostName(mirrored.sandbox, 'net1'));
  const chosen = async () => (await rowNamed('Mirror', 'm0'))?.select_dst_port;
  await expect.poll(chosen, RECOVERY).toBe(port);
  await expect.poll(() => isUp('mirror0'), RECOVERY).toBe(true);

  await fixture.daemon.stop('SIGKILL');
  await command('ip', ['link', 'set', 'mirror0', 'down']);
  await fixture.restartDaemon(mode);
  await expect.poll(() => isUp('mirror0'), RECOVERY).toBe(true);
  expect(await chosen()).toBe(port);
  for (const { sandbox } of [plain, mirrored]) await mustDelete(sandbox, 'net1', ovnConfig());
});
