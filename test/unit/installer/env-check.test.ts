/** What of a node's environment is found to be wrong. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkEnvironment, NODE_PATHS } from '../../../src/installer/env-check.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'env-check-'));
  // A node with nothing to be looked at.
  write('host/etc/cni/net.d/00-multus.conf', '{"type":"multus"}');
  write('host/etc/cni/net.d/10-calico.conflist', '{"plugins":[{"type":"calico"}]}');
  write('proc/sys/net/ipv4/tcp_mtu_probing', '1\n');
  write('proc/net/snmp', `Ip: A B\nIp: 1 2\nUdp: InDatagrams InErrors InCsumErrors\nUdp: 9 8 0\n`);
  write('proc/net/snmp6', 'Ip6InReceives   5\nUdp6InCsumErrors   0\n');
  write('proc/net/udp', '  sl  local_address\n  1: 00000000:17C1 00000000:0000 07\n');
  write('proc/1/comm', 'systemd\n');
  write('resolv.conf', 'search a\nnameserver 10.0.0.1\n');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const check = () =>
  checkEnvironment({
    proc: join(root, 'proc'),
    resolvConf: join(root, 'resolv.conf'),
    roots: [join(root, 'absent'), join(root, 'host')],
  });

it('nothing, on a node where all is right, and it says what it has seen', async () => {
  const findings = await check();
  expect(findings.filter(({ isProblem }) => isProblem)).toEqual([]);
  const text = findings.map((finding) => finding.text).join('\n');
  expect(text).toContain('the runtime takes 00-multus.conf');
  expect(text).toContain('tunnels of the kernel: geneve (UDP 6081)');
});

it.each([
  [
    'two networks',
    'host/etc/cni/net.d/01-kube-ovn.conflist',
    '{"plugins":[{"type":"kube-ovn"}]}',
    '01-kube-ovn.conflist (kube-ovn)',
  ],
  [
    'wrong checksums',
    'proc/net/snmp',
    'Udp: InDatagrams InCsumErrors\nUdp: 9 7\n',
    '7 (IPv4), 0 (IPv6)',
  ],
  ['wrong checksums of IPv6', 'proc/net/snmp6', 'Udp6InCsumErrors \t 3\n', '0 (IPv4), 3 (IPv6)'],
  ['no nameserver', 'resolv.conf', 'search a\n', 'nameservers: none'],
  ['too many nameservers', 'resolv.conf', 'nameserver 1\n'.repeat(4), 'only the first 3'],
  ['a firewall', 'proc/77/comm', 'firewalld\n', 'firewalld; UDP 6081 (geneve), 4789 (vxlan)'],
])('%s', async (_, path, text, said) => {
  write(path, text);
  const problems = (await check()).filter(({ isProblem }) => isProblem);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.text).toContain(said);
});

it('one network, where the folder is a link that counts from the root of the node', async () => {
  renameSync(join(root, 'host/etc/cni'), join(root, 'host/cni'));
  symlinkSync('/cni', join(root, 'host/etc/cni'));
  expect((await check()).filter(({ isProblem }) => isProblem)).toEqual([]);
});

it('no configuration, and no folder of them', async () => {
  for (const gone of ['host/etc/cni/net.d/00-multus.conf', 'host/etc/cni/net.d/10-calico.conflist'])
    rmSync(join(root, gone));
  expect((await check())[0]).toMatchObject({
    isProblem: true,
    text: expect.stringContaining('none in'),
  });
  rmSync(join(root, 'host/etc/cni/net.d'), { recursive: true });
  expect((await check())[0]).toMatchObject({
    isProblem: true,
    text: expect.stringContaining('cannot be read below'),
  });
});

it('this machine can be looked at, too', async () => {
  expect(await checkEnvironment(NODE_PATHS)).toHaveLength(6);
});
