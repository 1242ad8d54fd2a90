/** What calls may change on the node and in a pod, as values that tests compare. */
import { readdir } from 'node:fs/promises';
import { command } from './command.ts';
import type { OvnNode } from './ovn-node.ts';
import { inSandbox, type Sandbox } from './runtime.ts';

/** Rows and columns of OVS that the daemon writes; OVS itself writes others all the time. */
const OVS_COLUMNS = {
  Bridge: '_uuid,name,ports,mirrors',
  Port: '_uuid,name,interfaces,qos,tag',
  Interface: '_uuid,name,type,external_ids,ingress_policing_rate,ingress_policing_burst',
  QoS: '_uuid,type,queues,other_config,external_ids',
  Queue: '_uuid,other_config,external_ids',
  Mirror: '_uuid,name,select_dst_port,select_all,output_port',
} as const;

interface Link {
  readonly ifname: string;
  readonly address?: string;
  readonly mtu: number;
}

/** Everything that ADDs make on the node: OVS's rows, links and named namespaces. */
export async function nodeState(node: OvnNode): Promise<Record<string, unknown>> {
  const tables = Object.entries(OVS_COLUMNS).map(async ([table, columns]) => {
    const output = await node.vsctl('--format=json', `--columns=${columns}`, 'list', table);
    return [table, (JSON.parse(output).data as unknown[]).map((row) => JSON.stringify(row)).sort()];
  });
  const links: Link[] = JSON.parse(await command('ip', ['-j', 'link']));
  return {
    ...Object.fromEntries(await Promise.all(tables)),
    links: links.map(({ ifname, address, mtu }) => ({ ifname, address, mtu })),
    namespaces: (await readdir('/run/netns')).sort(),
  };
}

/** Links, addresses and routes of a pod, all tables. */
export async function podState(sandbox: Sandbox): Promise<Record<string, unknown>> {
  const ip = async (...args: string[]) => JSON.parse(await inSandbox(sandbox, 'ip', ...args));
  return {
    addresses: await ip('-j', 'address'),
    routes4: await ip('-j', '-4', 'route', 'show', 'table', 'all'),
    routes6: await ip('-j', '-6', 'route', 'show', 'table', 'all'),
  };
}

export interface AddressInfo {
  readonly family: 'inet' | 'inet6';
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
  readonly tentative?: boolean;
}

export interface PodLink {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly operstate: string;
  readonly linkinfo?: { readonly info_kind?: string };
  readonly addr_info: readonly AddressInfo[];
}

/** One interface of a pod, or undefined. */
export async function podLink(sandbox: Sandbox, ifName: string): Promise<PodLink | undefined> {
  const links = JSON.parse(await inSandbox(sandbox, 'ip', '-j', '-d', 'address')) as PodLink[];
  return links.find(({ ifname }) => ifname === ifName);
}

/** Global addresses of an interface of a pod, as `address/length`. */
export async function podAddresses(sandbox: Sandbox, ifName: string): Promise<string[]> {
  const link = await podLink(sandbox, ifName);
  const global = (link?.addr_info ?? []).filter(({ scope }) => scope === 'global');
  return global.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

/** Routes of the main table that are not the kernel's own, as `dst via gateway dev interface`. */
export async function podRoutes(sandbox: Sandbox, family: 4 | 6): Promise<string[]> {
  const output = await inSandbox(sandbox, 'ip', '-j', `-${family}`, 'route');
  const routes = JSON.parse(output) as {
    dst: string;
    gateway?: string;
    dev: string;
    protocol?: string;
  }[];
  return routes
    .filter(({ protocol }) => protocol !== 'kernel')
    .map(({ dst, gateway, dev }) => `${dst}${gateway ? ` via ${gateway}` : ''} dev ${dev}`);
}
