/**
 * What of a node's environment often breaks networks of pods, for `kubectl ko env-check`: read only,
 * from files, with nothing started.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathInRoot } from '../common/path-in-root.ts';
import { type NetworkConfig, readNetworkConfigs } from './network-configs.ts';

/** One line of the report. */
export interface Finding {
  /** Something that should be looked at. */
  readonly isProblem: boolean;
  readonly text: string;
}

/** Where things are, as this process sees them. */
export interface EnvironmentPaths {
  readonly proc: string;
  readonly resolvConf: string;
  /** Roots of the node's files: the first with a folder of CNI configurations counts. */
  readonly roots: readonly string[];
}

/**
 * In the daemon's container the configuration folder is not mounted: with hostPID the node's own is
 * found by its first process.
 */
export const NODE_PATHS: EnvironmentPaths = {
  proc: '/proc',
  resolvConf: '/etc/resolv.conf',
  roots: ['/proc/1/root', '/'],
};
const CONFIGURATIONS = '/etc/cni/net.d';

/** UDP ports of the tunnels. */
const TUNNEL_PORTS: Readonly<Record<string, number>> = { geneve: 6081, vxlan: 4789 };
const FIREWALLS = ['firewalld', 'ufw'];
/** Of resolv.conf(5): resolvers look at no more. */
const NAMESERVERS_MAX = 3;

/** Looks at everything, and never throws: what cannot be read is said in a finding, or left out. */
export async function checkEnvironment(paths: EnvironmentPaths): Promise<Finding[]> {
  const { proc } = paths;
  return (
    await Promise.all([
      checkConfigs(paths.roots),
      checkMtuProbing(proc),
      checkChecksums(proc),
      checkNameservers(paths.resolvConf),
      checkFirewalls(proc),
      checkTunnels(proc),
    ])
  ).flat();
}

function checkConfigs(roots: readonly string[]): Finding[] {
  for (const root of roots) {
    try {
      const configs = readNetworkConfigs(CONFIGURATIONS, (path) => pathInRoot(root, path));
      return [checkNetworkConfigs(join(root, CONFIGURATIONS), configs)];
    } catch {
      // The next may be there.
    }
  }
  return [
    problem(`CNI configurations: ${CONFIGURATIONS} cannot be read below ${roots.join(' or ')}`),
  ];
}

function checkNetworkConfigs(folder: string, configs: readonly NetworkConfig[]): Finding {
  const [first] = configs;
  if (first === undefined)
    return problem(`CNI configurations: none in ${folder}: no pod can start`);
  const networks = configs.filter(({ owner }) => owner === 'kube-ovn' || owner === 'other');
  const owners = new Set(networks.map(({ owner }) => owner));
  const files = configs.map(({ file, owner }) => `${file} (${owner})`).join(', ');
  const text = `CNI configurations in ${folder}: ${files}; the runtime takes ${first.file}`;
  return owners.size < 2
    ? fine(text)
    : problem(`${text}: two networks want to be the primary one, remove the configuration of one`);
}

async function checkMtuProbing(proc: string): Promise<Finding[]> {
  const value = await textOf(join(proc, 'sys/net/ipv4/tcp_mtu_probing'));
  const text = `net.ipv4.tcp_mtu_probing = ${value || 'unknown'}`;
  if (value !== '0') return [fine(text)];
  return [fine(`${text}: connections hang where a path drops large packets in silence; 1 helps`)];
}

/** Datagrams with a wrong checksum: mostly a device that is to fill it in under a tunnel, and does not. */
async function checkChecksums(proc: string): Promise<Finding[]> {
  const four = snmpValue(await textOf(join(proc, 'net/snmp')), 'Udp', 'InCsumErrors');
  const [, six = '0'] =
    /^Udp6InCsumErrors\s+(\d+)$/m.exec(await textOf(join(proc, 'net/snmp6'))) ?? [];
  const text = `datagrams with a wrong checksum: ${four} (IPv4), ${six} (IPv6)`;
  if (four === '0' && six === '0') return [fine(text)];
  return [problem(`${text}: try ethtool -K <device of the tunnels> tx off`)];
}

/** Names stand in one line, values in the next, both behind `Udp:` (proc(5), /proc/net/snmp). */
function snmpValue(text: string, protocol: string, name: string): string {
  const rows = text.split('\n').filter((line) => line.startsWith(`${protocol}:`));
  const [names = [], values = []] = rows.map((line) => line.trim().split(/\s+/));
  return values[names.indexOf(name)] ?? '0';
}

async function checkNameservers(path: string): Promise<Finding[]> {
  const servers = [...(await textOf(path)).matchAll(/^\s*nameserver\s+(\S+)/gm)].map(
    ([, ip]) => ip,
  );
  const text = `nameservers: ${servers.join(', ') || 'none'}`;
  if (servers.length === 0) return [problem(text)];
  if (servers.length <= NAMESERVERS_MAX) return [fine(text)];
  return [problem(`${text}: only the first ${NAMESERVERS_MAX} are asked`)];
}

async function checkFirewalls(proc: string): Promise<Finding[]> {
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(pids.map((pid) => textOf(join(proc, pid, 'comm'))));
  const found = FIREWALLS.filter((name) => names.includes(name));
  if (found.length === 0) return [fine('firewall services: none runs')];
  const ports = Object.entries(TUNNEL_PORTS).map(([type, port]) => `${port} (${type})`);
  return [
    problem(`firewall services: ${found.join(', ')}; UDP ${ports.join(', ')} must be let in`),
  ];
}

async function checkTunnels(proc: string): Promise<Finding[]> {
  const sockets = (await textOf(join(proc, 'net/udp'))) + (await textOf(join(proc, 'net/udp6')));
  const isOpen = (port: number) =>
    new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} `).test(sockets);
  const open = Object.entries(TUNNEL_PORTS).filter(([, port]) => isOpen(port));
  const text = open.map(([type, port]) => `${type} (UDP ${port})`).join(', ');
  return [fine(`tunnels of the kernel: ${text || 'none'}`)];
}

function fine(text: string): Finding {
  return { isProblem: false, text };
}

function problem(text: string): Finding {
  return { isProblem: true, text };
}

async function textOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8').catch(() => '')).trim();
}
