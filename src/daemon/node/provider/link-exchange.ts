/**
 * A card and its bridge that exchange their names (`exchangeLinkName`): the card is called `br-<network>`, and
 * the bridge has the card's name, which the host's configuration goes on with. Whether they have done so, and
 * the lines of `ip -batch` by which a card gets another name and keeps all else. Pure.
 *
 * The kernel renames a link that is down only (before Linux 6.2). With it go all routes and the IPv6
 * addresses; IPv4 addresses stay, and the kernel renames their labels (measured: Linux 6.18).
 */
import type { OvsState } from '../../ovs/state.ts';
import { addressLines, type KernelState, type Move, routeLines } from './address-move.ts';
import { configOf, type KernelLink, type KernelLinks } from './kernel.ts';
import { deleteLine, joined } from './link-config.ts';
import type { MovePair } from './move-record.ts';

export interface ExchangedNames {
  /** The bridge's, when they are exchanged: the object names the card by it. */
  readonly bridge: string;
  /** The card's, when they are exchanged. */
  readonly card: string;
}

/**
 * True where the card still has its own name. OVS is asked which link is a bridge's: on the userspace datapath
 * the kernel has a bridge's link as a tap, like many others; and after a reboot OVS may still have a row for a
 * bridge under the name of a card.
 * @throws Error where there is no card, or another link has the name that it is to get
 */
export function hasOwnName(
  { bridge, card }: ExchangedNames,
  links: KernelLinks,
  state: OvsState,
): boolean {
  const isCard = (name: string): boolean => {
    const link = links.get(name);
    return link !== undefined && !isBridgeLink(link, state);
  };
  const isOwn = isCard(bridge);
  if (!isOwn && !isCard(card)) throw new Error(`nic ${bridge} does not exist`);
  if (isOwn && links.has(card)) {
    throw new Error(
      `${bridge} cannot be called ${card}: this node has another interface of that name; rename that one, or give the ProviderNetwork another name`,
    );
  }
  return isOwn;
}

function isBridgeLink({ name, ifindex }: KernelLink, state: OvsState): boolean {
  return state.bridgeNamed(name) !== undefined && state.interfaceNamed(name)?.ifindex === ifindex;
}

/** @throws Error for a card with VLAN interfaces on it: they go down with it */
export function refuseVlansOn(card: string, links: KernelLinks): void {
  const vlans = [...links.values()].filter(({ parent }) => parent === card);
  if (vlans.length === 0) return;
  const names = vlans.map(({ name }) => name).join(', ');
  throw new Error(
    `${card} has VLAN interfaces on it, which would lose their routes while it is renamed: ${names}; set spec.exchangeLinkName to false`,
  );
}

export interface Rename {
  readonly from: string;
  readonly to: string;
}

/**
 * The lines that give a card another name, and then all that the kernel drops meanwhile: what is recorded, and
 * what the card has now. IPv6 addresses are deleted first: sysctl `keep_addr_on_down` would keep them.
 * @param pairs what is recorded of the card and of VLAN interfaces on it, by `link`
 * @param card the name by which the pairs have it
 */
export function renameLines(
  { from, to }: Rename,
  { card, pairs }: { readonly card: string; readonly pairs: readonly MovePair[] },
  state: KernelState,
): string[] {
  const parts = pairs.flatMap(({ link, config }) => {
    const [before, after] = link === card ? [from, to] : [link, link];
    const found = state.links.get(before);
    if (found === undefined) return [];
    return [{ after, found, config: joined(config, configOf(found, state.routes)) }];
  });
  const down: KernelState = {
    links: new Map(parts.map(({ after, found }) => [after, afterDown(found, after)])),
    routes: [],
  };
  const moves = parts.map(({ after, config }): Move => ({ config, from: after, to: after }));
  const isAltname = state.links.get(from)?.altnames?.includes(to);
  return [
    ...parts.flatMap(({ found }) => deletedLines(found)),
    `link set dev ${from} down`,
    ...(isAltname ? [altnameLine(from, to)] : []),
    `link set dev ${from} name ${to}`,
    ...moves.flatMap((move) => addressLines(move, down)),
    ...moves.flatMap((move) => routeLines(move, down)),
  ];
}

/** The lines that give a card under its own name what a rename that was interrupted has not given it. */
export function restoreLines(
  { bridge, card }: ExchangedNames,
  pairs: readonly MovePair[],
  state: KernelState,
): string[] {
  const moves = pairs
    .map(({ config, link }) => ({ config, to: link === card ? bridge : link }))
    .filter(({ to }) => state.links.has(to))
    .map((move): Move => ({ ...move, from: move.to }));
  return [
    ...moves.flatMap((move) => addressLines(move, state)),
    ...moves.flatMap((move) => routeLines(move, state)),
  ];
}

/** No link can be made under a name that another one has beside its own. */
export function dropAltnameLines(link: string, altname: string, links: KernelLinks): string[] {
  return links.get(link)?.altnames?.includes(altname) ? [altnameLine(link, altname)] : [];
}

function altnameLine(link: string, altname: string): string {
  return `link property del dev ${link} altname ${altname}`;
}

function deletedLines({ name, addresses }: KernelLink): string[] {
  return addresses
    .filter(({ family }) => family === 'inet6')
    .reverse()
    .map((address) => deleteLine(address, name));
}

function afterDown(link: KernelLink, name: string): KernelLink {
  const addresses = link.addresses.filter(({ family }) => family === 'inet');
  return { ...link, name, isUp: false, addresses };
}
