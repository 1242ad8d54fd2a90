/** ip(8) and what it shows, for programs that run in a guest, where each process takes its time. */
import { command } from '../../lab/command.ts';

/** @param words separated by single spaces */
export function ip(words: string): Promise<string> {
  return command('ip', words.split(' '));
}

/** All lines by one process. @param netns whose links they are about; the node's own without it */
export async function batch(lines: readonly string[], netns?: string): Promise<void> {
  const within = netns === undefined ? [] : ['-n', netns];
  await command('ip', [...within, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** What `ip -j` shows. @param words separated by single spaces */
export async function jsonOf<Item>(words: string): Promise<Item[]> {
  const output = await ip(`-j ${words}`);
  return output.trim() === '' ? [] : JSON.parse(output);
}

/** A link, with its addresses and routes of all tables, as `ip -j` shows them. */
export interface LinkState {
  readonly kind: string | undefined;
  readonly mac: string;
  readonly mtu: number;
  readonly alias: string | undefined;
  /** The link that it is in. */
  readonly master: string | undefined;
  /** Of a VLAN device: the link that it is on, and its id. */
  readonly on: string | undefined;
  readonly id: number | undefined;
  /** Without those that each link has of its own. */
  readonly addresses: readonly object[];
  readonly routes: readonly object[];
}

/** All links of the node by name. */
export type NodeState = Readonly<Record<string, LinkState>>;

interface RawLink {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly ifalias?: string;
  readonly master?: string;
  readonly link?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: { readonly id?: number };
  };
  readonly addr_info: readonly { readonly scope: string; readonly label?: string }[];
}

interface RawRoute {
  readonly dst: string;
  readonly dev?: string;
  /** Those of unicast have none. */
  readonly type?: string;
}

export async function nodeState(): Promise<NodeState> {
  const links = await jsonOf<RawLink>('-d address show');
  const routes = [
    ...(await jsonOf<RawRoute>('-4 route show table all')),
    ...(await jsonOf<RawRoute>('-6 route show table all')),
  ].filter(({ dst, type }) => type === undefined && !/^(fe80|ff00)/.test(dst));
  return Object.fromEntries(
    links.map(({ ifname, address: mac, mtu, ifalias: alias, master, link: on, ...more }) => {
      const { info_kind: kind, info_data: data } = more.linkinfo ?? {};
      const addresses = more.addr_info.filter(({ scope }) => scope !== 'link');
      const state = {
        ...{ kind, mac, mtu, alias, master, on, id: data?.id },
        addresses: addresses.map(({ label, ...address }) => address),
        routes: routes.filter(({ dev }) => dev === ifname).map(({ dev, ...route }) => route),
      };
      return [ifname, state];
    }),
  );
}
