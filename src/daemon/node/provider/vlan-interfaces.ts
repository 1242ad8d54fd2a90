/**
 * VLANs of a provider network on this node: which frames its card's port takes, and which VLAN interfaces
 * of the node keep their addresses, each on a port of the bridge. Pure; the rules and names are Kube-OVN's.
 */
import { createHash } from 'node:crypto';
import { LINK_NAME_BYTES_MAX } from '../../../common/link-name.ts';
import type { ProviderNetwork } from '../../../common/provider-network.ts';
import { show } from '../../../common/text.ts';
import type { Vlan } from '../../../common/vlan.ts';
import type { KernelLink, KernelLinks } from './kernel.ts';

/** A VLAN interface of the node, and the port of the bridge that stands for it. */
export interface VlanInterface {
  /** Of the kernel: `eth0.10`. */
  readonly name: string;
  readonly id: number;
  /** Of OVS, and the link that the addresses are on. */
  readonly port: string;
  /** Where it is another one than its card's; bytes. */
  readonly mtu?: number;
}

const ID_MAX = 4095;

/**
 * The VLANs that a card's port takes: those of the provider network's Vlans and of its VLAN interfaces,
 * and frames without a tag always. As the objects say, and not as a controller has found them valid.
 */
export function trunksOf(
  network: string,
  vlans: Iterable<Vlan>,
  interfaces: readonly VlanInterface[],
): number[] {
  const ids = new Set([0, ...interfaces.map(({ id }) => id)]);
  for (const { provider, id } of vlans) if (provider === network) ids.add(id);
  return [...ids].sort((a, b) => a - b);
}

/** The interface and the id in the name of a VLAN interface: `eth0.10`. Undefined where it is no such name. */
export function splitVlanName(name: string): { parent: string; id: number } | undefined {
  const [, parent, digits] = /^([^.]+)\.(\d{1,4})$/.exec(name) ?? [];
  const id = Number(digits);
  if (parent === undefined || id < 1 || id > ID_MAX) return undefined;
  return { parent, id };
}

/** VLAN interfaces that a provider network asks to keep. */
export interface VlanInterfaces {
  readonly interfaces: readonly VlanInterface[];
  /** Names that the object lists and the node does not have. */
  readonly missing: readonly string[];
}

/** Where VLAN interfaces are looked for. */
export interface VlanSurroundings {
  /** The node's interface in the provider network, by its name on the node. */
  readonly card: string;
  readonly bridge: string;
  readonly links: KernelLinks;
  /** Those whose addresses are on the bridge already: the kernel has them no more. */
  readonly held: readonly VlanInterface[];
}

/**
 * Which VLAN interfaces of the node keep their addresses.
 * @throws Error for two with one id, and for what is no VLAN interface of the card
 */
export function findVlanInterfaces(
  { vlanInterfaces, preserveVlanInterfaces }: ProviderNetwork,
  around: VlanSurroundings,
): VlanInterfaces {
  const { card, bridge, links, held } = around;
  const there = new Map([
    ...held.map(({ name, id }) => [name, id] as const),
    ...[...links.values()].flatMap((link) =>
      isVlanOf(link, card) ? [[link.name, link.vlanId ?? 0] as const] : [],
    ),
  ]);
  const listed = [...new Set(vlanInterfaces)];
  const wrong = listed.find((name) => links.has(name) && !there.has(name));
  if (wrong !== undefined) {
    throw new Error(
      `spec.vlanInterfaces has ${show(wrong)}, which is no VLAN interface of ${card}`,
    );
  }
  const preserved = preserveVlanInterfaces
    ? [...there.keys()].filter((name) => splitVlanName(name)?.parent === card)
    : [];
  const names = [...new Set([...listed.filter((name) => there.has(name)), ...preserved])];
  const byId = new Map<number, VlanInterface>();
  for (const name of names) {
    const id = there.get(name) ?? 0;
    const other = byId.get(id);
    if (other !== undefined) {
      throw new Error(`${other.name} and ${name} are both for VLAN ${id}: keep one of them`);
    }
    byId.set(id, { name, id, port: vlanPortName(bridge, id), ...mtuOf(name, around) });
  }
  const interfaces = [...byId.values()].sort((a, b) => a.id - b.id);
  return { interfaces, missing: listed.filter((name) => !there.has(name)) };
}

/** Of the VLAN interface where the node has it, and else of its port. */
function mtuOf(name: string, { card, links, held }: VlanSurroundings): { mtu?: number } {
  const link = links.get(name);
  const isAsCard = link?.mtu === links.get(card)?.mtu;
  const mtu = link === undefined ? held.find((each) => each.name === name)?.mtu : link.mtu;
  return mtu === undefined || isAsCard ? {} : { mtu };
}

function isVlanOf({ kind, parent, vlanId = 0 }: KernelLink, card: string): boolean {
  return kind === 'vlan' && parent === card && vlanId > 0;
}

/**
 * Name of the port of a bridge that stands for the VLAN interface with that id; where `br-net1-vlan10`
 * does not fit it is made of the bridge's hash.
 */
export function vlanPortName(bridge: string, id: number): string {
  const name = `${bridge}-vlan${id}`;
  if (Buffer.byteLength(name) <= LINK_NAME_BYTES_MAX) return name;
  const hash = createHash('sha256').update(bridge).digest();
  return `kv${id}-${base32(hash)}`.slice(0, LINK_NAME_BYTES_MAX);
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648, section 6, in lower case and without padding. */
function base32(bytes: Buffer): string {
  let bits = '';
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0');
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => BASE32[Number.parseInt(group.padEnd(5, '0'), 2)]).join('');
}

/** Alias of VLAN interfaces that were made for a provider network: only those are deleted again. */
export function vlanAlias(network: string): string {
  return `kube-ovn:${network}`;
}

/** VLAN interfaces that were made for a provider network, and that it does not want any more. */
export function surplusVlans(
  network: string,
  links: KernelLinks,
  wanted: readonly string[],
): string[] {
  return [...links.values()]
    .filter(({ kind, alias, name }) => {
      return kind === 'vlan' && alias === vlanAlias(network) && !wanted.includes(name);
    })
    .map(({ name }) => name);
}

/**
 * The lines of `ip -batch` that make the interface of a provider network where it is a VLAN interface that
 * is missing; none where it is there.
 * @throws Error where it cannot be made
 */
export function createVlanLines(network: string, card: string, links: KernelLinks): string[] {
  if (links.has(card) || !card.includes('.')) return [];
  const vlan = splitVlanName(card);
  if (vlan === undefined) {
    throw new Error(`cannot make ${show(card)}: name it like eth0.10`);
  }
  if (!links.has(vlan.parent)) {
    throw new Error(`cannot make ${card}: this node has no interface ${vlan.parent}`);
  }
  return [
    `link add link ${vlan.parent} name ${card} type vlan id ${vlan.id}`,
    `link set dev ${card} alias ${vlanAlias(network)} up`,
  ];
}

/** A VLAN interface, and the card that it is on. */
export interface VlanOfCard {
  readonly name: string;
  readonly id: number;
  readonly card: string;
  /** The port of the bridge that stands for it. */
  readonly port: string;
}

/**
 * The lines of `ip -batch` that make a VLAN interface again to which addresses go back; none where it is
 * there, or its card is not.
 * @throws Error where another interface has its name
 */
export function restoreVlanLines(
  { name, id, card, port }: VlanOfCard,
  links: KernelLinks,
): string[] {
  const link = links.get(name);
  if (link === undefined) {
    const cardMtu = links.get(card)?.mtu;
    if (cardMtu === undefined) return [];
    // The kernel takes no larger one than the card's, which it is otherwise.
    const { mtu = cardMtu } = links.get(port) ?? {};
    const words = mtu < cardMtu ? `mtu ${mtu} ` : '';
    return [
      `link add link ${card} name ${name} ${words}type vlan id ${id}`,
      `link set dev ${name} up`,
    ];
  }
  if (isVlanOf(link, card) && link.vlanId === id) return [];
  throw new Error(
    `the addresses of VLAN ${id} cannot go back to ${name}: it is no VLAN interface of ${card} with that id`,
  );
}

/**
 * The lines that delete VLAN interfaces whose addresses are on the bridge. As long as a card has one, up or
 * down, the kernel gives it all frames of its VLAN, and the bridge none (measured: Linux 6.1,
 * test/node/guest/kernel.test.ts).
 */
export function deleteVlanLines(vlans: readonly VlanOfCard[], links: KernelLinks): string[] {
  return vlans.flatMap(({ name, id, card }) => {
    const link = links.get(name);
    const isThere = link !== undefined && isVlanOf(link, card) && link.vlanId === id;
    return isThere ? [`link delete dev ${name}`] : [];
  });
}
