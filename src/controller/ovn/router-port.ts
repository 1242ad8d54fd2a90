/**
 * The port of a Vpc's router to a Subnet, which is the Subnet's gateway. Pure.
 *
 * Its MAC stays as long as the row: pods have it in their neighbour tables. That of a leg in an
 * underlay Subnet is recorded elsewhere, and always that.
 */
import { parseAddress } from '../../common/address.ts';
import type { Row } from '../../common/ovsdb/operation.ts';
import { mapOf, setOf, uuidAtom } from '../../common/ovsdb/value.ts';
import { claimed } from './claims.ts';
import type { DesiredAttachment } from './desired.ts';
import { NorthboundError } from './error.ts';
import { isOurs, routerPortName, VENDOR } from './names.ts';
import { ownRow, taken } from './ownership.ts';
import type { Router, RouterPort } from './rows.ts';
import type { NbState } from './state.ts';
import { correctMap, isSameSet, rowAtom, type TransactionBuilder } from './transaction-builder.ts';

const TABLE = 'Logical_Router_Port';
const ROUTE_TABLE = 'route_table';

/** The gateway's MAC in a Subnet, which no pod may have; undefined before there is one. */
export function gatewayMac(state: NbState, vpc: string, subnet: string): string | undefined {
  return state.routerPortNamed(routerPortName(vpc, subnet))?.mac;
}

/**
 * Makes the router port be as desired.
 * @throws NorthboundError `missing` where the Vpc has no router; `taken`
 */
export function placeRouterPort(
  builder: TransactionBuilder,
  state: NbState,
  subnet: string,
  attachment: DesiredAttachment,
): void {
  const router = routerOf(state, subnet, attachment.vpc);
  builder.share(claimed.router(router.name));
  const name = routerPortName(attachment.vpc, subnet);
  const found = ownRow([state.routerPortNamed(name)], { table: TABLE, name });
  if (found === undefined) {
    const created = builder.create(TABLE, newColumns(name, attachment));
    builder.add('Logical_Router', router, 'ports', [rowAtom(created)]);
    return;
  }
  refuseOthersPort(state, found, attachment.vpc);
  const holders = state.routersOf(found.uuid);
  const isPlace = (holder: Router) => isOurs(holder) && holder.name === attachment.vpc;
  for (const holder of holders.filter((each) => !isPlace(each))) detach(builder, holder, found);
  if (!holders.some(isPlace)) {
    builder.assume(TABLE, found, 'name', 'external_ids');
    builder.add('Logical_Router', router, 'ports', [uuidAtom(found.uuid)]);
  }
  correct(builder, found, attachment);
}

/** Takes a port off its router, which ends it. */
export function removeRouterPort(
  builder: TransactionBuilder,
  state: NbState,
  port: RouterPort,
): void {
  for (const holder of state.routersOf(port.uuid)) detach(builder, holder, port);
}

function detach(builder: TransactionBuilder, holder: Router, port: RouterPort): void {
  builder.share(claimed.router(holder.name));
  builder.assume(TABLE, port, 'name', 'external_ids');
  builder.remove('Logical_Router', holder, 'ports', [uuidAtom(port.uuid)]);
}

/**
 * The Subnet that a port of ours leads to, by its name and its router's. Ports to other routers,
 * and those that lead out of OVN, belong to features of Kube-OVN's that are not ours.
 */
export function subnetOfRouterPort(state: NbState, port: RouterPort): string | undefined {
  const { peer, gateway_chassis: chassis } = port;
  if (!isOurs(port) || peer !== undefined || chassis.length > 0) return undefined;
  const [vpc] = vpcsOf(state, port);
  return vpc === undefined ? undefined : port.name.slice(routerPortName(vpc, '').length);
}

/** Usually one; somebody may have put the port on another router, or changed its mark. */
function vpcsOf(state: NbState, { uuid, name, external_ids: ids }: RouterPort): string[] {
  const routers = state.routersOf(uuid).map((router) => router.name);
  return [ids.lr ?? '', ...routers].filter((vpc) => name.startsWith(routerPortName(vpc, '')));
}

function routerOf(state: NbState, subnet: string, vpc: string): Router {
  const router = ownRow(state.routersNamed(vpc), { table: 'Logical_Router', name: vpc });
  if (router !== undefined) return router;
  throw new NorthboundError(
    'missing',
    `Subnet ${subnet} cannot be attached: Vpc ${vpc} has no logical router yet`,
    `the events of Vpc ${vpc} tell why`,
  );
}

/** Subnet `c` in Vpc `a-b`, and Subnet `b-c` in Vpc `a`, come to one name. */
function refuseOthersPort(state: NbState, found: RouterPort, vpc: string): void {
  const vpcs = vpcsOf(state, found);
  const subnet = subnetOfRouterPort(state, found);
  if (vpcs.length === 0 || vpcs.includes(vpc) || subnet === undefined) return;
  const { name } = found;
  throw taken({ table: TABLE, name }, `it leads from Vpc ${vpcs[0]} to Subnet ${subnet}`);
}

function newColumns(name: string, attachment: DesiredAttachment): Row {
  const { vpc, mac, newMac, routeTable } = attachment;
  return {
    name,
    mac: mac ?? newMac,
    networks: setOf(networksOf(attachment)),
    ...(routeTable === '' ? {} : { options: mapOf({ [ROUTE_TABLE]: routeTable }) }),
    external_ids: mapOf({ vendor: VENDOR, lr: vpc }),
  };
}

function correct(
  builder: TransactionBuilder,
  found: RouterPort,
  attachment: DesiredAttachment,
): void {
  const { vpc, mac = found.mac, routeTable } = attachment;
  const networks = networksOf(attachment);
  const isSame = isSameSet(found.networks.map(canonical), networks);
  builder.set(TABLE, found, {
    ...(isSame ? {} : { networks: setOf(networks) }),
    ...(mac === found.mac ? {} : { mac }),
  });
  const options = routeTable === '' ? {} : { [ROUTE_TABLE]: routeTable };
  correctMap(
    builder,
    { table: TABLE, row: found, column: 'options' },
    options,
    (key) => key === ROUTE_TABLE,
  );
  const ids = { vendor: VENDOR, lr: vpc };
  correctMap(builder, { table: TABLE, row: found, column: 'external_ids' }, ids);
}

function networksOf({ gateways }: DesiredAttachment): string[] {
  return gateways.map(({ address, prefixLength }) => `${address.text}/${prefixLength}`);
}

/** Host bits are what a network of a port is about. */
function canonical(network: string): string {
  const [address = '', prefixLength = ''] = network.split('/');
  return `${parseAddress(address)?.text ?? address}/${prefixLength}`;
}
