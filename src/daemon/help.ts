/** What the daemon prints for `--help` and `--version`. */

import { formatUsage } from '../common/flags/usage.ts';
import { PROGRAM_FLAG_TEXTS } from '../common/program/program-flags.ts';
import { type Question, versionLine } from '../wire/version.ts';
import { FLAGS, IGNORED_FLAGS, LACKING } from './flags.ts';

const PROGRAM = 'kube-ovn-cni';

const COMMANDS = [
  `${PROGRAM} [flags]`,
  `${PROGRAM} limits <namespace>/<pod> [--json]`,
  `${PROGRAM} drain [flags]`,
  `${PROGRAM} --help | --version`,
];

/** A sentence for each flag that is acted on. */
const TEXTS: Readonly<Record<keyof typeof FLAGS, string>> = {
  ...PROGRAM_FLAG_TEXTS,
  'bind-socket': 'Unix socket on which the CNI executable is answered.',
  'ovs-socket':
    "Open vSwitch's database: a path from / on, or an OVSDB remote: unix:/PATH, tcp:HOST:PORT or tcp:[ADDRESS]:PORT.",
  iface:
    "Device of the tunnels: a name, or regular expressions with commas between them; empty for the one that has the node's address.",
  'dpdk-tunnel-iface':
    'Device of the tunnels where the node has the label ovn.kubernetes.io/ovs_dp_type=userspace.',
  'host-tunnel-src': 'Let the tunnels have an address of prefix length /32 or /128.',
  'encap-checksum': "UDP checksums in the tunnels' outer headers.",
  'set-vxlan-tx-off':
    "No TX checksum offload on vxlan_sys_4789; acts with --network-type=vxlan only. Geneve's device has none in any case.",
  mtu: "Of pods' interfaces, bytes; 0 to derive it from the tunnels' device.",
  'network-type': 'Tunnels of the network: geneve, vxlan, stt, or vlan for an underlay.',
  'enable-arp-detect-ip-conflict': 'Ask the network, before an IPv4 address is used, who has it.',
  'enable-mirror': 'Mirror every packet of the integration bridge.',
  'mirror-iface': 'Interface of the node by which mirrored packets leave.',
  'non-primary-cni-mode': "Pods' primary network, provider ovn, is another plugin's.",
  'mac-learning-fallback':
    'Written to bridges of provider networks, for an Open vSwitch with the patch of Kube-OVN.',
  'cni-conf-dir': 'Where the runtime of this node looks for network configurations.',
  'pprof-port': 'Port of the probes, /statusz and metrics; 0 for none.',
  v: 'How much is logged: 4 adds each command of Open vSwitch, 5 each request to the API server.',
  'add-timeout-seconds': 'How long an ADD may wait, for all that it waits for.',
  'node-name':
    "Name of this Node object; empty for the variable NODE_NAME, or else the host's name.",
};

/** @returns lines for standard output, without the last line feed */
export function answerTo(question: Question): string {
  const version = versionLine(PROGRAM);
  if (question === 'version') return version;
  const flags = Object.fromEntries(
    Object.entries(TEXTS).map(([name, text]) => [
      name,
      { default: FLAGS[name as keyof typeof FLAGS], text },
    ]),
  );
  const refused = Object.keys(LACKING);
  const summary = `${version}: the node daemon, which answers the CNI executable kube-ovn`;
  return formatUsage({ summary, commands: COMMANDS, flags, ignored: IGNORED_FLAGS, refused });
}
