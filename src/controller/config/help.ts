/** What the controller prints for `--help` and `--version`. */

import { formatUsage } from '../../common/flags/usage.ts';
import { PROGRAM_FLAG_TEXTS } from '../../common/program/program-flags.ts';
import { type Question, versionLine } from '../../wire/version.ts';
import { IGNORED_FLAGS, USED } from './flags.ts';
import { REFUSED_FLAGS } from './lacking-flags.ts';

const PROGRAM = 'kube-ovn-controller';

const COMMANDS = [`${PROGRAM} [flags]`, `${PROGRAM} --help | --version`];

/** A sentence for each flag that is acted on. */
const TEXTS: Readonly<Record<keyof typeof USED, string>> = {
  ...PROGRAM_FLAG_TEXTS,
  'non-primary-cni-mode': 'The primary network is that of another CNI plugin.',
  'ovn-nb-addr':
    "OVN's northbound database, as OVSDB remotes: tcp:[ADDRESS]:6641 or ssl:…, separated by commas; empty for the variable OVN_DB_IPS, or for no OVN at all.",
  'cluster-router': 'Name of the default Vpc.',
  'default-ls':
    'Name of the default Subnet; in non-primary mode it is made where this is given, or where something refers to it.',
  'default-cidr': 'Of the default Subnet; of both families separated by a comma.',
  'default-gateway': 'Of the default Subnet; empty for the first address.',
  'default-exclude-ips':
    'Addresses and ranges (FIRST..LAST) of the default Subnet that no pod gets.',
  'default-gateway-check': 'Pods of the default Subnet wait until their gateway answers.',
  'default-logical-gateway': 'The default Subnet of an underlay has its gateway in OVN.',
  'default-u2o-interconnection': 'Join the default Subnet of an underlay to overlay Subnets.',
  'default-exchange-link-name':
    "The nodes' interface and its bridge change names, with --network-type=vlan.",
  'network-type': 'Of the default Subnet: geneve, vxlan, stt, or vlan for an underlay.',
  'default-provider-name':
    'ProviderNetwork of the default Subnet, with --network-type=vlan, and of Vlans that name none.',
  'default-interface-name': "The nodes' interface to it, with --network-type=vlan.",
  'default-vlan-name': 'Vlan of the default Subnet, with --network-type=vlan.',
  'default-vlan-id': "That Vlan's number.",
  'node-switch': 'Name of the Subnet of the nodes.',
  'node-switch-cidr': 'Of the Subnet of the nodes.',
  'node-switch-gateway': 'Of the Subnet of the nodes; empty for the first address.',
  'service-cluster-ip-range': "Addresses of Services, which no Subnet's may overlap.",
  'pod-nic-type': "How pods' interfaces are made: veth-pair.",
  'enable-lb': 'Write load balancers of the default Vpc.',
  'keep-vm-ip': 'A virtual machine keeps its addresses while it exists.',
  'leader-elect-lease-duration': 'How long a Lease counts that is not renewed.',
  'leader-elect-renew-deadline': 'How long the leader tries to renew it before it ends.',
  'leader-elect-retry-period': 'Between two renewals.',
  'pprof-port': 'Port of the probes, /statusz and metrics; 0 for none.',
  'probe-port': 'The same port by another name, before --pprof-port.',
  'probe-address':
    'Address on which it listens; empty for POD_IPS where ENABLE_BIND_LOCAL_IP is true, or for all.',
  v: 'How much is logged: 4 adds each command of OVN, 5 each request to the API server.',
  'enforce-subnet-namespaces': 'Pods get no address of a Subnet whose namespaces are not theirs.',
};

/** @returns lines for standard output, without the last line feed */
export function answerTo(question: Question): string {
  const version = versionLine(PROGRAM);
  if (question === 'version') return version;
  const flags = Object.fromEntries(
    Object.entries(TEXTS).map(([name, text]) => [
      name,
      { default: USED[name as keyof typeof USED], text },
    ]),
  );
  const summary = `${version}: hands out addresses, and writes what OVN is to have`;
  const refused = REFUSED_FLAGS;
  return formatUsage({ summary, commands: COMMANDS, flags, ignored: IGNORED_FLAGS, refused });
}
