/** What the daemon prints for `--help` and `--version`. */
import { formatUsage } from '../common/usage.ts';
import { type Question, versionLine } from '../wire/version.ts';
import { FLAGS, IGNORED_FLAGS } from './flags.ts';

const PROGRAM = 'kube-ovn-cni';

const COMMANDS = [
  `${PROGRAM} [flags]`,
  `${PROGRAM} limits <namespace>/<pod> [--json]`,
  `${PROGRAM} --help | --version`,
];

/** A sentence for each flag that is acted on. */
const TEXTS: Readonly<Record<keyof typeof FLAGS, string>> = {
  'bind-socket': 'Unix socket on which the CNI executable is answered.',
  'ovs-socket': "Open vSwitch's database: a path or an OVSDB remote.",
  kubeconfig: "How the API server is reached; empty for the pod's service account.",
  iface: "Device of the tunnels; empty for the one that has the node's address.",
  mtu: "Of pods' interfaces, bytes; 0 to derive it from the tunnels' device.",
  'network-type': 'Tunnels of the network: geneve, vxlan, stt, or vlan for an underlay.',
  'enable-arp-detect-ip-conflict': 'Ask the network, before an IPv4 address is used, who has it.',
  'enable-mirror': 'Mirror every packet of the integration bridge.',
  'mirror-iface': 'Interface of the node by which mirrored packets leave.',
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
  const summary = `${version}: the node daemon, which answers the CNI executable kube-ovn`;
  return formatUsage({ summary, commands: COMMANDS, flags, ignored: IGNORED_FLAGS });
}
