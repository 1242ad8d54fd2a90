/**
 * Command line and environment of the daemon, as one checked value.
 *
 * Every flag of Kube-OVN's daemon is taken, so that its charts start ours as they are. Those
 * that this daemon does not act on are listed by name when they are given; those that switch on
 * what it does not have are refused.
 */
import { hostname } from 'node:os';
import { parseAddress } from '../common/address.ts';
import {
  type GivenFlags,
  readBoolean,
  readFlags,
  readNumber,
  wrongValue,
} from '../common/flags/go-flags.ts';
import { refuseLacking } from '../common/flags/lacking-flags.ts';
import { isDnsName } from '../common/names.ts';
import {
  PROGRAM_FLAGS,
  type ProgramSettings,
  readProgramFlags,
} from '../common/program/program-flags.ts';
import { isInterfaceName } from '../wire/cni.ts';
import type { NetworkType } from './model/mtu.ts';
import { parseInterfacePatterns } from './node/interface-patterns.ts';
import type { TunnelSettings } from './node/tunnel-settings.ts';

/** What the daemon is started with, checked. */
export interface Options extends ProgramSettings {
  readonly socketPath: string;
  /** An OVSDB remote. */
  readonly ovsDatabase: string;
  readonly nodeName: string;
  readonly tunnel: TunnelSettings;
  readonly detectIpv4Conflict: boolean;
  /** True where every packet of the integration bridge is mirrored. */
  readonly mirrorAll: boolean;
  /** Interface of the node by which mirrored packets leave. */
  readonly mirrorInterface: string;
  readonly addTimeoutMs: number;
  /** The network of provider `ovn` is the pods' primary one; else it is another plugin's. */
  readonly isPrimary: boolean;
  /** Written into the bridges of provider networks, for an OVS that knows it. */
  readonly macLearningFallback: boolean;
  /** The daemon's own pod, as its environment names it; undefined where it does not. */
  readonly ownPod: { readonly namespace: string; readonly name: string } | undefined;
  /** Where the runtime of this node looks for network configurations. */
  readonly cniConfigFolder: string;
  /** Flags that were given and that this daemon does not act on. */
  readonly ignored: readonly string[];
}

/**
 * Flags that we act on, with their defaults; a boolean default makes a boolean flag. What each does is
 * in help.ts.
 */
export const FLAGS = {
  ...PROGRAM_FLAGS,
  'bind-socket': '/run/openvswitch/kube-ovn-daemon.sock',
  'ovs-socket': '/run/openvswitch/db.sock',
  iface: '',
  'dpdk-tunnel-iface': 'br-phy',
  'host-tunnel-src': false,
  'encap-checksum': true,
  'set-vxlan-tx-off': false,
  mtu: '0',
  'network-type': 'geneve',
  'enable-arp-detect-ip-conflict': true,
  'enable-mirror': false,
  'mirror-iface': 'mirror0',
  'non-primary-cni-mode': false,
  'mac-learning-fallback': false,
  'cni-conf-dir': '/etc/cni/net.d',
  'pprof-port': '10665',
  v: '0',
  /** Ours: below the runtime's 2 minutes. */
  'add-timeout-seconds': '110',
  /** Ours; the environment's NODE_NAME otherwise. */
  'node-name': '',
} as const;

/** Kube-OVN's other flags, and those of its logging library. */
const IGNORED = {
  texts: [
    'alsologtostderrthreshold',
    'cert-manager-issuer-name', 'cluster-router', 'cni-conf-file', 'cni-conf-name',
    'default-interface-name', 'default-provider-name',
    'external-gateway-config-ns', 'external-gateway-switch', 'kubelet-dir', 'log_dir',
    'log_backtrace_at', 'node-switch', 'ovn-ipsec-cert-duration',
    'ovs-vsctl-concurrency', 'service-cluster-ip-range', 'stderrthreshold',
    'tcp-conn-check-port', 'udp-conn-check-port', 'vmodule',
  ],
  booleans: [
    'add_dir_header', 'legacy_stderr_threshold_behavior', 'cert-manager-ipsec-cert',
    'enable-ovn-ipsec', 'enable-pprof', 'enable-tproxy',
    'enable-verbose-conn-check', 'install-cni-config',
    'one_output',
    'skip_headers', 'skip_log_headers',
  ],
}; // biome-ignore format: a table

/** Flags that are taken and do nothing. */
export const IGNORED_FLAGS: readonly string[] = [...IGNORED.texts, ...IGNORED.booleans];

/** What does not happen, by the flag that asks for it. */
export const LACKING = {
  'cert-manager-ipsec-cert': 'traffic between nodes is not encrypted',
  'enable-ovn-ipsec': 'traffic between nodes is not encrypted',
  'enable-pprof': 'there are no profiles in the format of Go',
  'enable-tproxy': "the kubelet's probes do not reach pods of other VPCs than the default one",
  'enable-verbose-conn-check': 'nothing listens on the ports that the pinger of Kube-OVN dials',
  'install-cni-config':
    'it writes no CNI configuration (install-cni.sh does, without the help of the daemon)',
};

type Given = GivenFlags<keyof typeof FLAGS>;

/** @throws Error that names the flag or variable which is unknown, wrong, or cannot be had */
export function parseFlags(argv: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const given = readFlags(argv, { used: FLAGS, ignored: IGNORED });
  refuseLacking(given, { program: 'daemon', switches: LACKING });
  const text = given.text;
  return {
    ...readProgramFlags(given, environment),
    socketPath: socketPath(text('bind-socket')),
    ovsDatabase: toRemote(text('ovs-socket')),
    nodeName: text('node-name') || environment.NODE_NAME || hostname(),
    tunnel: tunnelOf(given, environment),
    detectIpv4Conflict: flag(given, 'enable-arp-detect-ip-conflict'),
    mirrorAll: flag(given, 'enable-mirror'),
    mirrorInterface: interfaceName('mirror-iface', text('mirror-iface')),
    addTimeoutMs:
      1000 * readNumber('--add-timeout-seconds', text('add-timeout-seconds'), 1, ADD_TIMEOUT_S_MAX),
    isPrimary: !flag(given, 'non-primary-cni-mode'),
    macLearningFallback: flag(given, 'mac-learning-fallback'),
    ownPod: ownPodOf(environment),
    cniConfigFolder: absolutePath('cni-conf-dir', text('cni-conf-dir')),
    ignored: given.ignored,
  };
}

/** The executable waits 115 s for an answer: a later one nobody reads. */
const ADD_TIMEOUT_S_MAX = 110;

function flag(given: Given, name: keyof typeof FLAGS): boolean {
  return readBoolean(`--${name}`, given.text(name));
}

/** Kube-OVN's charts set both. */
function ownPodOf({ POD_NAMESPACE: namespace = '', POD_NAME: name = '' }: NodeJS.ProcessEnv) {
  return isDnsName(namespace) && isDnsName(name) ? { namespace, name } : undefined;
}

function tunnelOf(given: Given, environment: NodeJS.ProcessEnv): TunnelSettings {
  const iface = given.text('iface');
  const podIp = parseAddress(environment.POD_IP ?? '');
  return {
    mtu: readNumber('--mtu', given.text('mtu'), 0, 65_535),
    networkType: networkType(given.text('network-type')),
    ...(iface === '' ? {} : { interfaces: parseInterfacePatterns('--iface', iface) }),
    userspaceInterface: given.text('dpdk-tunnel-iface'),
    takesHostAddresses: flag(given, 'host-tunnel-src'),
    checksum: flag(given, 'encap-checksum'),
    disablesVxlanOffload: flag(given, 'set-vxlan-tx-off'),
    ...(podIp === undefined ? {} : { podAddress: podIp.text }),
  };
}

function socketPath(text: string): string {
  if (text !== '') return text;
  throw new Error('--bind-socket=: expected the path of a socket');
}

function absolutePath(name: string, text: string): string {
  if (text.startsWith('/') && !text.includes('\0')) return text;
  throw wrongValue(`--${name}`, text, 'an absolute path');
}

function toRemote(socket: string): string {
  if (socket === '') return 'unix:/run/openvswitch/db.sock';
  return socket.startsWith('/') ? `unix:${socket}` : socket;
}

/** By `if7…` ip(8) means the link with index 7 where no link has that name. */
function interfaceName(name: string, text: string): string {
  if (isInterfaceName(text) && !/^if\d/.test(text)) return text;
  const expected =
    'the name of an interface: 1 to 15 letters, digits and _ . @ + ~ -, none of . @ + ~ - in front, and not "if" and a digit, "all" or "default"';
  throw wrongValue(`--${name}`, text, expected);
}

function networkType(text: string): NetworkType {
  if (text === 'vlan') return 'geneve';
  if (text === 'geneve' || text === 'vxlan' || text === 'stt') return text;
  throw wrongValue('--network-type', text, 'geneve, vxlan, stt or vlan');
}
