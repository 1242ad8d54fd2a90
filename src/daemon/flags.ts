/**
 * Command line and environment of the daemon, as one checked value.
 *
 * Every flag of Kube-OVN's daemon is taken, so that its charts start ours as they are. Those
 * that this daemon does not act on are listed by name when they are given.
 */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { isInterfaceName } from '../wire/cni.ts';
import type { NetworkType } from './nic/mtu.ts';

export interface Options {
  readonly socketPath: string;
  /** An OVSDB remote. */
  readonly ovsDatabase: string;
  /** Undefined inside a cluster. */
  readonly kubeconfigPath?: string;
  readonly nodeName: string;
  /** Device of the tunnels; empty for the one with the node's address. */
  readonly tunnelInterface: string;
  /** Bytes; 0 to derive it from the tunnels' device. */
  readonly mtu: number;
  readonly networkType: NetworkType;
  readonly detectIpv4Conflict: boolean;
  /** Mirror every packet of the integration bridge. */
  readonly mirrorAll: boolean;
  /** Of the node, by which mirrored packets leave. */
  readonly mirrorInterface: string;
  readonly addTimeoutMs: number;
  /** Flags that were given and that this daemon does not act on. */
  readonly ignored: readonly string[];
}

/** Flags that we act on, with their defaults; a boolean default makes a boolean flag. What each does is in help.ts. */
export const FLAGS = {
  'bind-socket': '/run/openvswitch/kube-ovn-daemon.sock',
  'ovs-socket': '/run/openvswitch/db.sock',
  kubeconfig: '',
  iface: '',
  mtu: '0',
  'network-type': 'geneve',
  'enable-arp-detect-ip-conflict': true,
  'enable-mirror': false,
  'mirror-iface': 'mirror0',
  /** Ours: below the runtime's 2 minutes. */
  'add-timeout-seconds': '110',
  /** Ours; the environment's NODE_NAME otherwise. */
  'node-name': '',
} as const;

/** Kube-OVN's other flags, and those of its logging library. */
const IGNORED_TEXT_FLAGS = [
  'alsologtostderrthreshold',
  'cert-manager-issuer-name', 'cluster-router', 'cni-conf-dir', 'cni-conf-file', 'cni-conf-name',
  'default-interface-name', 'default-provider-name', 'dpdk-tunnel-iface',
  'external-gateway-config-ns', 'external-gateway-switch', 'kubelet-dir', 'log-perm', 'log_dir',
  'log_backtrace_at', 'log_file', 'log_file_max_size', 'node-switch', 'ovn-ipsec-cert-duration',
  'ovs-vsctl-concurrency', 'pprof-port', 'service-cluster-ip-range', 'stderrthreshold',
  'tcp-conn-check-port', 'tls-cipher-suites', 'tls-max-version', 'tls-min-version',
  'udp-conn-check-port', 'v', 'vmodule',
]; // biome-ignore format: a table
const IGNORED_BOOLEAN_FLAGS = [
  'add_dir_header', 'alsologtostderr', 'legacy_stderr_threshold_behavior', 'cert-manager-ipsec-cert', 'enable-metrics',
  'enable-ovn-ipsec', 'enable-pprof', 'enable-tproxy',
  'enable-verbose-conn-check', 'encap-checksum', 'host-tunnel-src', 'install-cni-config',
  'logtostderr', 'one_output', 'mac-learning-fallback', 'non-primary-cni-mode', 'secure-serving',
  'set-vxlan-tx-off', 'skip_headers', 'skip_log_headers',
]; // biome-ignore format: a table

/** Flags that are taken and do nothing. */
export const IGNORED_FLAGS: readonly string[] = [...IGNORED_TEXT_FLAGS, ...IGNORED_BOOLEAN_FLAGS];

/** @throws Error that names the flag which is unknown or wrong */
export function parseFlags(argv: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const booleans = Object.entries(FLAGS).flatMap(([name, value]) =>
    typeof value === 'boolean' ? [name] : [],
  );
  const isBoolean = new Set([...booleans, ...IGNORED_BOOLEAN_FLAGS]);
  const names = [...Object.keys(FLAGS), ...IGNORED_FLAGS];
  const { values } = parseArgs({
    // A boolean flag of Go's may stand alone or have a value; parseArgs knows only one of both.
    args: argv.map((word) =>
      /^-/.test(word) && isBoolean.has(word.replace(/^--?/, '')) ? `${word}=true` : word,
    ),
    options: Object.fromEntries(
      names.map((name) => [name, { type: 'string' as const, ...short(name) }]),
    ),
    strict: true,
  }) as { values: Record<string, string | undefined> };
  const text = (name: keyof typeof FLAGS) => values[name] ?? String(FLAGS[name]);

  const options = {
    socketPath: socketPath(text('bind-socket')),
    ovsDatabase: toRemote(text('ovs-socket')),
    nodeName: text('node-name') || environment.NODE_NAME || hostname(),
    tunnelInterface: text('iface'),
    mtu: wholeNumber('mtu', text('mtu'), 65_535, 0),
    networkType: networkType(text('network-type')),
    detectIpv4Conflict: boolean(
      'enable-arp-detect-ip-conflict',
      text('enable-arp-detect-ip-conflict'),
    ),
    mirrorAll: boolean('enable-mirror', text('enable-mirror')),
    mirrorInterface: interfaceName('mirror-iface', text('mirror-iface')),
    addTimeoutMs:
      1000 * wholeNumber('add-timeout-seconds', text('add-timeout-seconds'), ADD_TIMEOUT_S_MAX, 1),
    ignored: Object.keys(values).filter((name) => !(name in FLAGS)),
  };
  return text('kubeconfig') === '' ? options : { ...options, kubeconfigPath: text('kubeconfig') };
}

function short(name: string): { short?: string } {
  return name.length === 1 ? { short: name } : {};
}

function socketPath(text: string): string {
  if (text !== '') return text;
  throw new Error('--bind-socket=: expected the path of a socket');
}

function toRemote(socket: string): string {
  if (socket === '') return 'unix:/run/openvswitch/db.sock';
  return socket.startsWith('/') ? `unix:${socket}` : socket;
}

/** The executable waits 115 s for an answer: a later one nobody reads. */
const ADD_TIMEOUT_S_MAX = 110;

function wholeNumber(flag: string, text: string, max: number, min: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new Error(`--${flag}=${text}: expected a whole number from ${min} to ${max}`);
}

/** What Go's strconv.ParseBool takes. */
function boolean(flag: string, text: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw new Error(`--${flag}=${text}: expected true or false`);
}

/** By `if7…` ip(8) means the link with index 7 where no link has that name. */
function interfaceName(flag: string, text: string): string {
  if (isInterfaceName(text) && !/^if\d/.test(text)) return text;
  throw new Error(
    `--${flag}=${text}: expected the name of an interface: 1 to 15 letters, digits and _ . @ + ~ -, none of . @ + ~ - in front, and not "if" and a digit, "all" or "default"`,
  );
}

function networkType(text: string): NetworkType {
  if (text === 'vlan') return 'geneve';
  if (text === 'geneve' || text === 'vxlan' || text === 'stt') return text;
  throw new Error(`--network-type=${text}: expected geneve, vxlan, stt or vlan`);
}
