/**
 * Parameters of the node's kernel, and its domains for names, as Kube-OVN's daemon reports them. Read off
 * /proc when somebody asks; one that this kernel does not have is left out.
 */
import { readFileSync } from 'node:fs';
import type { Metrics } from '../../common/metrics/metrics.ts';

/** Values of one number, by file below /proc/sys. */
const NUMBERS = [
  {
    name: 'tcp_tw_recycle',
    file: 'net/ipv4/tcp_tw_recycle',
    recommended: '0',
  },
  { name: 'tcp_mtu_probing', file: 'net/ipv4/tcp_mtu_probing', recommended: '1' },
  {
    name: 'nf_conntrack_tcp_be_liberal',
    file: 'net/netfilter/nf_conntrack_tcp_be_liberal',
    recommended: '1',
  },
  {
    name: 'bridge_nf_call_iptables',
    file: 'net/bridge/bridge-nf-call-iptables',
    recommended: '1 for an overlay, 0 for an underlay',
  },
  { name: 'max_size', file: 'net/ipv6/route/max_size', recommended: '16384 or more' },
] as const;

/** As many as resolvers look at. */
const DOMAINS_MAX = 32;

/**
 * Adds these families.
 * @param hostname value of the label `hostname`: the node's name
 */
export function addSystemMetrics(metrics: Metrics, hostname: string): void {
  for (const { name, file, recommended } of NUMBERS) {
    const help = `/proc/sys/${file}; recommended: ${recommended}.`;
    metrics.gauge({ name, help, labels: ['hostname'] }, () => {
      const value = wholeNumber(read(`/proc/sys/${file}`));
      return value === undefined ? [] : [{ labels: { hostname }, value }];
    });
  }
  addLists(metrics, hostname);
  metrics.gauge(
    {
      name: 'checksum_err_count',
      help: 'UDP packets with a wrong checksum, of which tunnels consist (InCsumErrors of /proc/net/snmp).',
      labels: ['hostname'],
    },
    () => [{ labels: { hostname }, value: udpChecksumErrors() }],
  );
  metrics.gauge(
    {
      name: 'dns_search_domain',
      help: 'Domains that names without points are looked up in (/etc/resolv.conf); 1, the value is in the label.',
      labels: ['hostname', 'additional'],
    },
    () => searchDomains().map((additional) => ({ labels: { hostname, additional }, value: 1 })),
  );
}

/** Values that are several numbers: they are labels, and the series is 1. */
function addLists(metrics: Metrics, hostname: string): void {
  metrics.gauge(
    {
      name: 'ip_local_port_range',
      help: 'Ports of outgoing connections (/proc/sys/net/ipv4/ip_local_port_range); NodePorts must not be among them. 1, the values are in the labels.',
      labels: ['hostname', 'start', 'end'],
    },
    () => {
      const [start, end] = words('/proc/sys/net/ipv4/ip_local_port_range');
      return start && end ? [{ labels: { hostname, start, end }, value: 1 }] : [];
    },
  );
  metrics.gauge(
    {
      name: 'tcp_mem',
      help: 'Pages that TCP may use (/proc/sys/net/ipv4/tcp_mem). 1, the values are in the labels.',
      labels: ['hostname', 'minimum', 'pressure', 'maximum'],
    },
    () => {
      const [minimum, pressure, maximum] = words('/proc/sys/net/ipv4/tcp_mem');
      if (!minimum || !pressure || !maximum) return [];
      return [{ labels: { hostname, minimum, pressure, maximum }, value: 1 }];
    },
  );
}

/** Two lines begin with `Udp:`: the names, and the values in the same order. */
function udpChecksumErrors(): number {
  const [names = [], values = []] = read('/proc/net/snmp')
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  return wholeNumber(values[names.indexOf('InCsumErrors')] ?? '') ?? 0;
}

function searchDomains(): string[] {
  const lines = read('/etc/resolv.conf').matchAll(/^\s*search\s+(.+)$/gm);
  // The last line counts, resolv.conf(5).
  const [, list = ''] = [...lines].at(-1) ?? [];
  const domains = list.split(/\s+/).filter((domain) => domain !== '' && domain !== '.');
  const known = [...new Set(domains)].slice(0, DOMAINS_MAX);
  return known.length > 0 ? known : ['no additional search domain'];
}

function words(path: string): string[] {
  return read(path).split(/\s+/);
}

function wholeNumber(text: string): number | undefined {
  return /^-?\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** Empty where there is no such file. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
