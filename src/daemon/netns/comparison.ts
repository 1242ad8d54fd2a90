/**
 * What the ADD answered against what the pod has: the interface with its addresses, and routes. Pure.
 */

import { cidrText, parseCidr } from '../../common/address.ts';
import { OwnCode } from '../call/error.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { compared, type Difference, differs, listed } from '../model/difference.ts';
import type { EarlierResult, InterfaceAddress } from '../model/earlier-result.ts';
import type { Route } from '../model/route.ts';
import type { PodLink, PodNetwork } from './inspect.ts';

const CODE = OwnCode.interfaceDiffers;

/**
 * @param network undefined where the namespace is gone
 * @param hostMtu of the other end, which counts where the answer does not say the MTU; bytes
 */
export function compareInterface(
  { ifName, netns }: LiveAttachment,
  earlier: EarlierResult,
  network: PodNetwork | undefined,
  hostMtu: number | undefined,
): Difference[] {
  const unnamed = differs(CODE, 'prevResult', `interface ${ifName} in ${netns}`, 'none');
  const inResult = earlier.interface === undefined ? [unnamed] : [];
  if (network === undefined) {
    return [...inResult, differs(CODE, 'network namespace', netns, 'none')];
  }
  const link = network.links.find(({ name }) => name === ifName);
  return [
    ...inResult,
    ...(link === undefined
      ? [missingLink(ifName, earlier, network)]
      : compareLink(link, earlier, hostMtu)),
    ...earlier.routes
      .filter((route) => !isGoneWithAddress(route, earlier.addresses, link))
      .flatMap((route) => compareRoute(route, network.routes)),
  ];
}

/**
 * The kernel makes the connected route of an address, and takes it away with the address or when the
 * link goes down (ip-address(8)): then it is the address or the link that differs.
 */
function isGoneWithAddress(
  { destination, gateway }: Route,
  addresses: readonly InterfaceAddress[],
  link: PodLink | undefined,
): boolean {
  const text = cidrText(destination);
  const connecting = addresses.map(textOf).filter((address) => {
    const connected = parseCidr(address);
    return gateway === undefined && connected !== undefined && cidrText(connected) === text;
  });
  const isThere = (address: string) => link?.state !== 'down' && link?.addresses.includes(address);
  return connecting.length > 0 && !connecting.some(isThere);
}

function missingLink(ifName: string, earlier: EarlierResult, { links }: PodNetwork): Difference {
  const renamed = links.find(({ mac }) => mac === earlier.interface?.mac);
  const found = renamed === undefined ? 'none' : `${renamed.name} with its MAC address`;
  return differs(CODE, 'interface in the pod', ifName, found);
}

function compareLink(
  link: PodLink,
  earlier: EarlierResult,
  hostMtu: number | undefined,
): Difference[] {
  const { name } = link;
  const { mac, mtu = hostMtu } = earlier.interface ?? {};
  return [
    ...compared(CODE, `state of ${name}`, 'up', link.state),
    ...(mac === undefined ? [] : compared(CODE, `MAC address of ${name}`, mac, link.mac)),
    ...(mtu === undefined ? [] : compared(CODE, `MTU of ${name}`, String(mtu), String(link.mtu))),
    ...earlier.addresses.flatMap((address) => compareAddress(address, link)),
  ];
}

function textOf({ address, prefixLength }: InterfaceAddress): string {
  return `${address.text}/${prefixLength}`;
}

function compareAddress(wanted: InterfaceAddress, link: PodLink): Difference[] {
  const text = textOf(wanted);
  if (link.addresses.includes(text)) return [];
  const isSameFamily = (other: string) => other.includes(':') === text.includes(':');
  const found = listed(link.addresses.filter(isSameFamily));
  return [differs(CODE, `address of ${link.name}`, text, found)];
}

/** On any device; a route without a gateway leaves open which one there is. */
function compareRoute({ destination, gateway }: Route, routes: readonly Route[]): Difference[] {
  const text = cidrText(destination);
  const found = routes.filter((route) => cidrText(route.destination) === text);
  if (found.some((route) => !gateway || route.gateway?.text === gateway.text)) return [];
  const expected = gateway === undefined ? 'one' : `via ${gateway.text}`;
  const hops = found.map((route) => (route.gateway ? `via ${route.gateway.text}` : 'on the link'));
  return [differs(CODE, `route to ${text}`, expected, listed(hops))];
}
