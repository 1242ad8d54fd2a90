/**
 * What Kube-OVN's plugin of kubectl, `kubectl ko` of v1.17, runs in the daemon's container, in its very
 * words: each command ends with 0 and prints what the plugin looks for in it. Those of IPsec are left
 * out, which is not here.
 */
import { spawn } from 'node:child_process';
import type { Sandbox } from '../../test/lab/runtime.ts';
import type { RunningContainer } from './containerd.ts';
import type { Outcomes } from './outcomes.ts';

/** A command, what its output has to have, and which command of the plugin it is of. */
interface PluginCommand {
  readonly of: string;
  readonly argv: readonly string[];
  readonly prints?: RegExp;
  /** What it may say instead where the node or the container's rights do not let it. */
  readonly orSays?: RegExp;
}

/** Where it is asked, and for whom. */
export interface PluginStage {
  readonly daemon: RunningContainer;
  readonly outcomes: Outcomes;
  readonly sandbox: Sandbox;
  readonly gateways: readonly [ipv4: string, ipv6: string];
  /** `http://ADDRESS:PORT` of something that answers 200 at /readyz. */
  readonly probes: string;
}

/** As the plugin's own `grep -oEm1` looks for it. */
const MAC = /([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}/i;

/** Support's commands: output goes into files of a folder, as it is. */
const LOG_LINUX = [
  '/usr/sbin/iptables-legacy -V', '/usr/sbin/iptables-nft -V',
  '/usr/sbin/iptables-nft -S', '/usr/sbin/iptables-nft -S -t nat',
  '/usr/sbin/ip6tables-nft -S', '/usr/sbin/ip6tables-nft -S -t nat',
  'ip -4 route show', 'ip -6 route show', 'ip -d -s link show', 'ip -4 n', 'ip -6 n', 'ip xfrm policy', 'ip xfrm state',
  'free -m', 'top -b -n 1', 'sysctl -a', 'netstat -tunlp', 'ip addr show', 'ipset list', 'cat /proc/net/sockstat',
]; // biome-ignore format: a table

/** The kernel of this machine may be built without iptables' older half. */
const LOG_LEGACY = [
  '/usr/sbin/iptables-legacy -S', '/usr/sbin/iptables-legacy -S -t nat',
  '/usr/sbin/ip6tables-legacy -S', '/usr/sbin/ip6tables-legacy -S -t nat',
]; // biome-ignore format: a table
const NO_LEGACY = /Table does not exist|can't initialize ip6?tables table/;

function commandsOf({ sandbox, gateways, probes }: PluginStage): PluginCommand[] {
  const [ipv4, ipv6] = gateways;
  const inPod = (words: string) => ['sh', '-c', `nsenter --net='${sandbox.netns}' ${words}`];
  const words = (text: string) => text.split(' ');
  const interfaceOf = `external-ids:iface-id=${sandbox.pod.name}.${sandbox.pod.namespace}`;
  return [
    {
      of: 'tcpdump',
      argv: [
        ...words('ovs-vsctl --data=bare --no-heading --columns=name find interface'),
        interfaceOf,
      ],
    },
    { of: 'trace', argv: inPod('ip link show type veth'), prints: /^\d+: eth0@/m },
    { of: 'trace', argv: inPod('ip link show eth0'), prints: /^\d+: eth0@/m },
    { of: 'trace', argv: inPod(`ndisc6 -q ${ipv6} eth0`), prints: MAC },
    { of: 'trace', argv: inPod(`arping -c3 -C1 -i1 -I eth0 ${ipv4}`), prints: MAC },
    {
      of: 'diagnose',
      argv: words(`curl -s -m 3 -w %{http_code} ${probes}/readyz -o /dev/null`),
      prints: /^200$/m,
    },
    {
      of: 'env-check',
      argv: words('bash /kube-ovn/env-check.sh'),
      prints: /net\.ipv4\.tcp_mtu_probing/,
    },
    // `kubectl cp`, by which the folder is fetched.
    { of: 'log kube-ovn', argv: words('tar cf - /var/log/kube-ovn'), prints: /var\/log\/kube-ovn/ },
    { of: 'log linux', argv: words('dmesg -T'), orSays: /Operation not permitted/ },
    ...LOG_LINUX.map((text) => ({ of: 'log linux', argv: words(text) })),
    ...LOG_LEGACY.map((text) => ({ of: 'log linux', argv: words(text), orSays: NO_LEGACY })),
  ];
}

export async function checkKubectlKo(stage: PluginStage): Promise<void> {
  for (const command of commandsOf(stage)) {
    const title = `kubectl ko ${command.of}: ${command.argv.join(' ')}`;
    await stage.outcomes.check(title, () => ask(stage.daemon, command));
  }
  const { daemon, outcomes, sandbox, gateways } = stage;
  const capture = `nsenter --net=${sandbox.netns} tcpdump -nn -i eth0`;
  await outcomes.check(`kubectl ko tcpdump: ${capture}`, async () => {
    const traffic = spawn('ip', ['netns', 'exec', sandbox.netnsName, 'ping', gateways[0]]);
    try {
      const words = [...capture.split(' '), '-c', '1', 'icmp'];
      const packet = await daemon.exec(words);
      if (!packet.includes('ICMP echo')) throw new Error(`it shows ${packet}`);
      return packet.trim().split('\n').at(-1);
    } finally {
      traffic.kill('SIGKILL');
    }
  });
}

async function ask(
  daemon: RunningContainer,
  { argv, prints, orSays }: PluginCommand,
): Promise<string | undefined> {
  try {
    const output = await daemon.exec(argv);
    if (prints !== undefined && !prints.test(output)) throw new Error(`it prints ${output}`);
    return undefined;
  } catch (error) {
    const text = String(error);
    if (orSays === undefined || !orSays.test(text)) throw error;
    return 'this kernel or these rights do not let it';
  }
}
