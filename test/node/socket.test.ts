/** The daemon's socket and its flags: who may connect, who may listen, and how it ends. */
import { once } from 'node:events';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseFlags } from '../../src/daemon/flags.ts';
import { Daemon, SOCKET } from '../lab/daemon.ts';
import { callRaw, requestFields, sendRaw } from '../lab/raw-http.ts';
import { cni } from '../lab/runtime.ts';
import { podAddresses } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';

const DIRECTORY = '/run/socket-test';

let fixture: Fixture;
let daemons: Daemon[];
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());
beforeEach(() => {
  daemons = [];
});
afterEach(async () => {
  for (const daemon of daemons) await daemon.stop();
  await rm(DIRECTORY, { recursive: true, force: true });
});

/** Another daemon beside the fixture's. */
async function start(...flags: readonly string[]): Promise<Daemon> {
  const daemon = await Daemon.start({ kubeconfig: KUBECONFIG, nodeName: 'node1', flags });
  daemons.push(daemon);
  return daemon;
}

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o7777).toString(8);
}

async function expectAddAndDel(socket: string): Promise<void> {
  const { sandbox } = await fixture.pod();
  const config = ovnConfig({ server_socket: socket });
  for (const verb of ['ADD', 'DEL']) {
    const { exitCode, stdout } = await cni(verb, sandbox, 'net1', config);
    expect(exitCode, stdout).toBe(0);
  }
}

test("a missing directory becomes root's only, and so does the socket", async () => {
  const umask = process.umask(0);
  try {
    await start(`--bind-socket=${DIRECTORY}/deep/daemon.sock`);
  } finally {
    process.umask(umask);
  }
  expect(await modeOf(DIRECTORY)).toBe('700');
  expect(await modeOf(`${DIRECTORY}/deep`)).toBe('700');
  expect(await modeOf(`${DIRECTORY}/deep/daemon.sock`)).toBe('600');
  await expectAddAndDel(`${DIRECTORY}/deep/daemon.sock`);
});

test("the mode of a directory that is there stays, and the socket is root's only", async () => {
  await mkdir(DIRECTORY);
  await chmod(DIRECTORY, 0o1755);
  await start(`--bind-socket=${DIRECTORY}/daemon.sock`);
  expect(await modeOf(DIRECTORY)).toBe('1755');
  expect(await modeOf(`${DIRECTORY}/daemon.sock`)).toBe('600');
});

test('a second daemon on a live socket is refused, and the first goes on', async () => {
  const { ino } = await stat(SOCKET);
  await expect(start()).rejects.toThrow(
    /ended with 1: [\s\S]*another daemon is listening on .*kube-ovn-daemon\.sock/,
  );
  expect((await stat(SOCKET)).ino).toBe(ino);
  await expectAddAndDel(SOCKET);
});

test('the socket that a killed daemon left is replaced', async () => {
  await fixture.daemon.stop('SIGKILL');
  expect((await stat(SOCKET)).isSocket()).toBe(true);
  await fixture.restartDaemon([]);
  await expectAddAndDel(SOCKET);
});

test("a regular file at the socket's path is not deleted", async () => {
  await mkdir(DIRECTORY);
  await writeFile(`${DIRECTORY}/daemon.sock`, 'of somebody else');
  await expect(start(`--bind-socket=${DIRECTORY}/daemon.sock`)).rejects.toThrow(
    /ended with 1: [\s\S]*cannot use \/run\/socket-test\/daemon\.sock as a socket/,
  );
  expect(await readFile(`${DIRECTORY}/daemon.sock`, 'utf8')).toBe('of somebody else');
});

test("a directory at the socket's path is refused", async () => {
  await mkdir(`${DIRECTORY}/daemon.sock`, { recursive: true });
  await expect(start(`--bind-socket=${DIRECTORY}/daemon.sock`)).rejects.toThrow(
    /ended with 1: [\s\S]*\/run\/socket-test\/daemon\.sock/,
  );
});

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s finishes the ADD in flight, refuses new calls and removes the socket',
  async (signal) => {
    const socket = `${DIRECTORY}/daemon.sock`;
    const daemon = await start(`--bind-socket=${socket}`);
    const ended = once(daemon.process, 'exit');
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
    const { answer } = await sendRaw(socket, { path: '/api/v1/add', body });
    // Answered after the ADD was read, for connections are taken in order.
    await callRaw(socket, { path: '/nosuch', body: '{}' });
    daemon.process.kill(signal);
    await daemon.logged('calls in flight are finished');
    await expect
      .poll(() => callRaw(socket, { path: '/nosuch', body: '{}' }).catch(() => null))
      .toBeNull();
    expect(daemon.process.exitCode).toBeNull();

    await fixture.cluster.allocate(pod, nic);
    const { status, text } = await answer;
    expect(status, text).toBe(200);
    expect(await ended).toEqual([0, null]);
    expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
    await expect(stat(socket)).rejects.toThrow('ENOENT');
    expect((await cni('DEL', sandbox, 'net1', ovnConfig())).exitCode).toBe(0);
  },
);

test('an idle connection that is kept does not hold up the end', async () => {
  const socket = `${DIRECTORY}/daemon.sock`;
  const daemon = await start(`--bind-socket=${socket}`);
  const headers = { Connection: 'keep-alive' };
  await callRaw(socket, { path: '/nosuch', body: '{}', headers });
  await daemon.stop('SIGTERM');
  expect(daemon.process.exitCode).toBe(0);
});

test.each([
  ['--no-such-flag', 'no-such-flag'],
  ['--mtu=big', 'mtu'],
  ['--mtu=-1', 'mtu'],
  ['--mtu=70000', 'mtu'],
  ['--mtu', 'mtu'],
  ['--network-type=gre', 'network-type'],
  ['--add-timeout-seconds=soon', 'add-timeout-seconds'],
  ['--enable-arp-detect-ip-conflict=maybe', 'enable-arp-detect-ip-conflict'],
  ['--mirror-iface=if7', 'mirror-iface'],
  ['--kubeconfig=/nosuch/config', '/nosuch/config'],
  ['--bind-socket=', 'bind-socket'],
  ['word', 'word'],
])('%s ends the daemon with a message that names it', async (flag, named) => {
  const other = flag.startsWith('--bind') ? [] : [`--bind-socket=${DIRECTORY}/daemon.sock`];
  const failure = await start(...other, flag).then(
    () => undefined,
    (error: Error) => error.message,
  );
  expect(failure).toMatch(/^the daemon ended with 1: /);
  expect(failure).toContain(named);
  expect(failure).not.toMatch(/\n +at |node:internal/);
  await expect(stat(`${DIRECTORY}/daemon.sock`)).rejects.toThrow('ENOENT');
});

/** Kube-OVN's flags, as its charts pass them. */
const TEXT_FLAGS = [
  'cert-manager-issuer-name=kube-ovn', 'cluster-router=ovn-cluster', 'cni-conf-dir=/etc/cni/net.d',
  'cni-conf-file=/kube-ovn/01-kube-ovn.conflist', 'cni-conf-name=01-kube-ovn.conflist',
  'default-interface-name=', 'default-provider-name=provider', 'dpdk-tunnel-iface=br-phy',
  'external-gateway-config-ns=kube-system', 'external-gateway-switch=external', 'iface=',
  'kubelet-dir=/var/lib/kubelet', 'log-perm=640', 'mirror-iface=mirror0', 'mtu=0',
  'network-type=geneve', 'node-switch=join', 'ovn-ipsec-cert-duration=63072000', 'ovs-socket=',
  'ovs-vsctl-concurrency=100', 'pprof-port=10665', 'service-cluster-ip-range=10.96.0.0/12',
  'tcp-conn-check-port=8100', 'tls-cipher-suites=', 'tls-max-version=', 'tls-min-version=',
  'udp-conn-check-port=8101', 'log_file=/run/kube-ovn-log/kube-ovn-cni.log',
  'log_file_max_size=200', 'v=3', 'vmodule=', 'stderrthreshold=2', 'log_dir=',
]; // biome-ignore format: a table
const BOOLEAN_FLAGS = [
  'mac-learning-fallback',
  'enable-arp-detect-ip-conflict', 'enable-metrics', 'enable-mirror',
  'encap-checksum', 'host-tunnel-src',
  'non-primary-cni-mode', 'secure-serving', 'alsologtostderr', 'logtostderr',
  'add_dir_header', 'skip_headers', 'skip_log_headers',
]; // biome-ignore format: a table
/** They ask for what this daemon does not have, and are refused when they are on. */
const LACKING_FLAGS = [
  'cert-manager-ipsec-cert', 'enable-ovn-ipsec', 'enable-pprof', 'enable-tproxy',
  'enable-verbose-conn-check', 'install-cni-config',
]; // biome-ignore format: a table

test.each([
  {
    how: 'with =',
    flags: [
      ...TEXT_FLAGS.map((flag) => `--${flag}`),
      ...[...BOOLEAN_FLAGS, ...LACKING_FLAGS].map((flag) => `--${flag}=false`),
      // The last one counts: what the log says is read from standard output.
      '--alsologtostderr=true',
    ],
  },
  {
    how: 'as two words, booleans alone',
    flags: [
      ...TEXT_FLAGS.flatMap((flag) => `--${flag}`.split(/=(.*)/s, 2)),
      ...BOOLEAN_FLAGS.map((flag) => `--${flag}`),
    ],
  },
  {
    how: 'booleans as Go writes them',
    flags: BOOLEAN_FLAGS.map(
      (flag, i) => `--${flag}=${['1', 't', 'T', 'True', 'TRUE', '0', 'F'][i % 7]}`,
    ),
  },
])('every flag of Kube-OVN is taken: $how', async ({ flags }) => {
  const socket = `${DIRECTORY}/daemon.sock`;
  const daemon = await start(...flags, '--mtu=1400', `--bind-socket=${socket}`);
  await expectAddAndDel(socket);
  const [warning = '{}'] = daemon.logLines('without effect');
  expect(JSON.parse(warning).flags).toContain('skip_headers');
  expect(JSON.parse(warning).flags).not.toContain('bind-socket');
});

test.each([
  ...['true', 'TRUE', 'True', 't', 'T', '1'].map((text) => [text, true] as const),
  ...['false', 'FALSE', 'False', 'f', 'F', '0'].map((text) => [text, false] as const),
])('a boolean flag with %s means %s, as for Go', (text, meaning) => {
  const { detectIpv4Conflict } = parseFlags([`--enable-arp-detect-ip-conflict=${text}`], {});
  expect(detectIpv4Conflict).toBe(meaning);
});
