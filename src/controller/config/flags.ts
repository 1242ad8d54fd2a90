/**
 * Command line and environment of the controller, as one checked value.
 *
 * Every flag of Kube-OVN's controller is taken, so that its charts start ours as they are. Those
 * that this controller does not act on are listed by name when they are given; those that switch on
 * what it does not have are refused (lacking-flags.ts).
 */
import { hostname } from 'node:os';
import { cidrText, parseAddress } from '../../common/address.ts';
import {
  type GivenFlags,
  readBoolean,
  readDuration,
  readFlags,
  readNumber,
  wrongValue,
} from '../../common/flags/go-flags.ts';
import type { HealthSettings } from '../../common/http/health-settings.ts';
import {
  PROGRAM_FLAGS,
  type ProgramSettings,
  readProgramFlags,
} from '../../common/program/program-flags.ts';
import { defaultLeaseTimes, type LeaseTimes } from '../leadership/times.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { NorthboundAddress } from '../ovn/open.ts';
import { refuseWhatIsLacking } from './lacking-flags.ts';
import { northboundOf } from './northbound-address.ts';
import {
  readCidrs,
  readExcludes,
  readGateways,
  refuseOverlaps,
  type SubnetFlags,
} from './subnet-flags.ts';

/** What the controller is started with, checked. */
export interface Options extends ProgramSettings {
  readonly podName: string;
  /** Where the Lease is. */
  readonly namespace: string;
  readonly settings: ClusterSettings;
  /** Made where a cluster has none. */
  readonly defaultSubnet: DefaultSubnetFlags;
  /** Made where a cluster has none. */
  readonly joinSubnet: SubnetFlags;
  /**
   * False where the two Subnets are made only when something refers to the first: in non-primary mode,
   * unless it is named by `--default-ls`.
   */
  readonly makesDefaultSubnets: boolean;
  /** Undefined where no OVN is. */
  readonly northbound?: NorthboundAddress;
  readonly leaseTimes: LeaseTimes;
  /** Flags that were given and that this controller does not act on. */
  readonly ignored: readonly string[];
}

/** The same of the default Subnet, with what only that one has. */
export interface DefaultSubnetFlags extends SubnetFlags {
  readonly disableGatewayCheck: boolean;
  /** Undefined for an overlay. */
  readonly underlay?: UnderlayFlags;
}

/** The Vlan of a default Subnet that is a network outside, and the ProviderNetwork of that. */
export interface UnderlayFlags {
  readonly vlan: string;
  readonly vlanId: number;
  readonly providerNetwork: string;
  /** Of the nodes. */
  readonly hostInterface: string;
  readonly logicalGateway: boolean;
  readonly u2oInterconnection: boolean;
  /** Of the ProviderNetwork: whether the interface and its bridge change names. */
  readonly exchangeLinkName: boolean;
}

/**
 * Flags that we act on, with Kube-OVN's defaults but for those of the Lease; probe-* and
 * enforce-subnet-namespaces are ours.
 * What each does is in help.ts.
 */
export const USED = {
  ...PROGRAM_FLAGS,
  'non-primary-cni-mode': false,
  'ovn-nb-addr': '',
  'cluster-router': 'ovn-cluster',
  'default-ls': 'ovn-default',
  'default-cidr': '10.16.0.0/16',
  'default-gateway': '',
  'default-exclude-ips': '',
  'default-gateway-check': true,
  'default-logical-gateway': false,
  'default-u2o-interconnection': false,
  'default-exchange-link-name': false,
  'network-type': 'geneve',
  'default-provider-name': 'provider',
  'default-interface-name': '',
  'default-vlan-name': 'ovn-vlan',
  'default-vlan-id': '1',
  'node-switch': 'join',
  'node-switch-cidr': '100.64.0.0/16',
  'node-switch-gateway': '',
  'service-cluster-ip-range': '10.96.0.0/12',
  'pod-nic-type': 'veth-pair',
  'enable-lb': true,
  'keep-vm-ip': true,
  'leader-elect-lease-duration': `${defaultLeaseTimes.leaseSeconds}s`,
  'leader-elect-renew-deadline': `${defaultLeaseTimes.renewDeadlineMs}ms`,
  'leader-elect-retry-period': `${defaultLeaseTimes.renewEveryMs}ms`,
  'pprof-port': '10660',
  'probe-port': '',
  'probe-address': '',
  'enforce-subnet-namespaces': false,
  v: '0',
};

/** Kube-OVN's other flags, and those of its logging library (klog v2.140). */
const IGNORED = {
  texts: [
    'bfd-min-rx', 'bfd-min-tx', 'cluster-sctp-loadbalancer', 'cluster-sctp-session-loadbalancer',
    'cluster-tcp-loadbalancer', 'cluster-tcp-session-loadbalancer', 'cluster-udp-loadbalancer',
    'cluster-udp-session-loadbalancer', 'cust-crd-retry-max-delay', 'cust-crd-retry-min-delay',
    'detect-mult', 'external-gateway-config-ns', 'external-gateway-net', 'external-gateway-switch',
    'external-gateway-vlanid', 'frr-image', 'gc-interval', 'image', 'inspect-interval',
    'node-local-dns-ip', 'nodepg-probe-time', 'np-enforcement', 'ovn-sb-addr', 'ovn-timeout',
    'ovsdb-con-maxretry', 'ovsdb-con-timeout', 'ovsdb-inactivity-timeout',
    'skip-conntrack-dst-cidrs', 'worker-num',
    'alsologtostderrthreshold', 'log_backtrace_at', 'log_dir',
    'stderrthreshold', 'vmodule',
  ],
  booleans: [
    'cert-manager-ipsec-cert', 'enable-anp', 'enable-dns-name-resolver', 'enable-ecmp',
    'enable-eip-snat', 'enable-external-vpc', 'enable-lb-svc',
    'enable-live-migration-optimize', 'enable-np', 'enable-ovn-ipsec',
    'enable-ovn-lb-prefer-local', 'enable-pprof', 'ls-ct-skip-dst-lport-ips', 'ls-dnat-mod-dl-dst',
    'add_dir_header', 'legacy_stderr_threshold_behavior',
    'one_output', 'skip_headers', 'skip_log_headers',
  ],
}; // biome-ignore format: a table

/** Flags that are taken and do nothing. */
export const IGNORED_FLAGS: readonly string[] = [...IGNORED.texts, ...IGNORED.booleans];

type Given = GivenFlags<keyof typeof USED>;

/** @throws Error that names the flag or variable which is unknown or wrong */
export function parseFlags(argv: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const given = readFlags(argv, { used: USED, ignored: IGNORED });
  refuseWhatIsLacking(given);
  // With an address of its own the variables of the charts say nothing of it.
  const hasAddress = given.text('probe-address') !== '';
  const program = readProgramFlags(given, hasAddress ? {} : environment);
  const northbound = northboundOf(given.text('ovn-nb-addr'), environment);
  const settings = settingsOf(given, environment);
  return {
    ...program,
    podName: environment.POD_NAME || hostname(),
    namespace: settings.agentNamespace,
    settings,
    ...subnetsOf(given),
    makesDefaultSubnets:
      !flag(given, 'non-primary-cni-mode') || given.given('default-ls') !== undefined,
    ...(northbound === undefined ? {} : { northbound }),
    leaseTimes: leaseTimesOf(given),
    health: healthOf(given, program),
    ignored: given.ignored,
  };
}

/** Our own flags of the probes go before Kube-OVN's. */
function healthOf(given: Given, { health }: ProgramSettings): HealthSettings {
  const [port, address] = [given.text('probe-port'), given.text('probe-address')];
  return {
    ...health,
    ...(port === '' ? {} : { port: readNumber('--probe-port', port, 0, 65_535) }),
    ...(address === '' ? {} : { addresses: [probeAddress(address)] }),
  };
}

function probeAddress(text: string): string {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`--probe-address is no IP address: ${text}`);
  return address.text;
}

function settingsOf(given: Given, environment: NodeJS.ProcessEnv): ClusterSettings {
  const apiServer = parseAddress(environment.KUBERNETES_SERVICE_HOST ?? '');
  return {
    isPrimary: !flag(given, 'non-primary-cni-mode'),
    defaultVpc: objectName(given, 'cluster-router'),
    defaultSubnet: objectName(given, 'default-ls'),
    joinSubnet: objectName(given, 'node-switch'),
    defaultProviderNetwork: objectName(given, 'default-provider-name'),
    serviceCidrs: readCidrs('service-cluster-ip-range', given.text('service-cluster-ip-range')),
    agentNamespace: namespaceOf(environment.POD_NAMESPACE || 'kube-system'),
    enableLb: flag(given, 'enable-lb'),
    ...(apiServer === undefined ? {} : { apiServer }),
    podNicType: word(given, 'pod-nic-type'),
    keepsVmAddresses: flag(given, 'keep-vm-ip'),
    enforcesNamespaces: flag(given, 'enforce-subnet-namespaces'),
  };
}

function subnetsOf(given: Given): Pick<Options, 'defaultSubnet' | 'joinSubnet'> {
  const cidrs = (name: keyof typeof USED) => readCidrs(name, given.text(name));
  const byFlag = {
    'default-cidr': cidrs('default-cidr'),
    'node-switch-cidr': cidrs('node-switch-cidr'),
    'service-cluster-ip-range': cidrs('service-cluster-ip-range'),
  };
  refuseOverlaps(byFlag);
  const underlay = underlayOf(given);
  return {
    defaultSubnet: {
      cidrBlock: byFlag['default-cidr'].map(cidrText).join(','),
      gateway: readGateways('default-gateway', given.text('default-gateway')),
      excludeIps: readExcludes('default-exclude-ips', given.text('default-exclude-ips')),
      disableGatewayCheck: !flag(given, 'default-gateway-check'),
      ...(underlay === undefined ? {} : { underlay }),
    },
    joinSubnet: {
      cidrBlock: byFlag['node-switch-cidr'].map(cidrText).join(','),
      gateway: readGateways('node-switch-gateway', given.text('node-switch-gateway')),
      excludeIps: [],
    },
  };
}

function underlayOf(given: Given): UnderlayFlags | undefined {
  const networkType = given.text('network-type');
  if (/^(geneve|vxlan|stt)$/.test(networkType)) return undefined;
  if (networkType !== 'vlan') {
    throw wrongValue('--network-type', networkType, 'geneve, vxlan, stt or vlan');
  }
  const hostInterface = given.text('default-interface-name');
  if (hostInterface === '') {
    throw wrongValue('--default-interface-name', '', 'an interface, with --network-type=vlan');
  }
  const logicalGateway = flag(given, 'default-logical-gateway');
  const u2oInterconnection = flag(given, 'default-u2o-interconnection');
  if (logicalGateway && u2oInterconnection) {
    const expected = 'false, with --default-logical-gateway=true';
    throw wrongValue('--default-u2o-interconnection', 'true', expected);
  }
  return {
    vlan: objectName(given, 'default-vlan-name'),
    vlanId: readNumber('--default-vlan-id', given.text('default-vlan-id'), 0, 4095),
    providerNetwork: objectName(given, 'default-provider-name'),
    hostInterface,
    logicalGateway,
    u2oInterconnection,
    exchangeLinkName: flag(given, 'default-exchange-link-name'),
  };
}

function leaseTimesOf(given: Given): LeaseTimes {
  const duration = (name: keyof typeof USED) => readDuration(`--${name}`, given.text(name));
  const leaseMs = duration('leader-elect-lease-duration');
  const renewDeadlineMs = duration('leader-elect-renew-deadline');
  const renewEveryMs = duration('leader-elect-retry-period');
  // The Lease has whole seconds, and client-go cuts the rest off.
  const leaseSeconds = Math.floor(leaseMs / 1000);
  if (leaseSeconds * 1000 <= renewDeadlineMs) {
    const expected = 'more whole seconds than --leader-elect-renew-deadline has';
    throw wrongValue('--leader-elect-lease-duration', `${leaseMs}ms`, expected);
  }
  if (renewDeadlineMs <= renewEveryMs * JITTER_FACTOR) {
    const expected = `more than ${JITTER_FACTOR} times --leader-elect-retry-period`;
    throw wrongValue('--leader-elect-renew-deadline', `${renewDeadlineMs}ms`, expected);
  }
  return { leaseSeconds, renewDeadlineMs, renewEveryMs };
}

/** Client-go's, with which the Go controller refuses the same values. */
const JITTER_FACTOR = 1.2;

function flag(given: Given, name: keyof typeof USED): boolean {
  return readBoolean(`--${name}`, given.text(name));
}

function namespaceOf(text: string): string {
  if (/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw wrongValue('POD_NAMESPACE', text, 'the name of a namespace');
}

function word(given: Given, name: keyof typeof USED): string {
  const text = given.text(name);
  if (/^[a-z0-9-]{1,63}$/.test(text)) return text;
  throw wrongValue(`--${name}`, text, 'a word of lower-case letters, digits and -');
}

/** The name of an object of Kubernetes. */
function objectName(given: Given, name: keyof typeof USED): string {
  const text = given.text(name);
  if (
    text.length <= 253 &&
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
  )
    return text;
  throw wrongValue(`--${name}`, text, 'the name of an object: lower-case letters, digits, - and .');
}
