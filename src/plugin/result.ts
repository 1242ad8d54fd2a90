/**
 * From the daemon's answer to the result the runtime reads, in the configuration's version (CNI
 * spec, "ADD Success"; the older forms: the same place in versions 0.2.0, 0.4.0 and 1.0.0). What
 * the daemon says is checked here, so that its mistake is not shown as the runtime's.
 */
import { isInterfaceName } from '../wire/cni.ts';
import type { Dns } from '../wire/messages.ts';
import { familyOf, parseCidr } from './cidr.ts';
import { badAnswer } from './daemon-call.ts';
import {
  dns,
  type Json,
  object,
  objects,
  routes,
  type Source,
  strings,
  text,
  wrong,
} from './fields.ts';

/** The daemon's answer, checked, in no version's form yet. */
export interface Result {
  /** CNI's interface object with `mtu`; undefined for an IPAM delegate. */
  readonly nic: Json | undefined;
  /** CNI's interface object of the veth pair's end on the node; undefined where it is not said. */
  readonly hostInterface: Json | undefined;
  /** `address` has the subnet's prefix length; `gateway` is the Subnet's, and asks for no route. */
  readonly addresses: readonly { family: number; address: string; gateway: string | undefined }[];
  readonly routes: readonly { family: number; dst: string; gw: string | undefined }[];
  readonly dns: Dns;
}

/**
 * Checks the answer to an ADD. Without routes in it each address with `gateway`, which is the one
 * of the NIC's default route, gets a default route; without DNS in it (the Go daemon sends none) the configuration's holds. `sandbox` is
 * undefined for an IPAM delegate. Throws error 11, which names the field.
 */
export function readResult(answer: Json, sandbox: string | undefined, configDns: Dns): Result {
  const from: Source = { fields: answer, prefix: '', fail: badAnswer };
  if (!('ips' in answer)) {
    wrong(from, 'ips', 'an array or null', answer.ips);
  }
  const ips = objects(from, 'ips', 'an array').map(readAddress);
  const gateways = readGateways(from);
  const said = routes(from).map(({ dst, gw }, i) => readRoute(from, dst, gw, i));
  const byGateway = ips.flatMap(({ family, gateway: gw }) =>
    gw === undefined ? [] : { family, dst: defaultOf(family), gw },
  );
  const saidDns = dns(from);
  return {
    nic: sandbox === undefined ? undefined : readNic(from, sandbox),
    hostInterface: sandbox === undefined ? undefined : readHostInterface(from),
    addresses: ips.map((ip) => ({ ...ip, gateway: ip.gateway ?? gateways.get(ip.family) })),
    routes: said.length > 0 ? said : byGateway,
    dns: Object.keys(saidDns).length > 0 ? saidDns : configDns,
  };
}

/** The result as JSON, which leaves out what is undefined, and DNS that says nothing, as Go's does. */
export function printResult(result: Result, cniVersion: string): string {
  const isOldest = cniVersion === '0.1.0' || cniVersion === '0.2.0';
  const body = isOldest ? onePerFamily(result) : interfacesAndIps(result, cniVersion);
  const dns = Object.keys(result.dns).length > 0 ? result.dns : undefined;
  return JSON.stringify({ cniVersion, ...body, dns });
}

/** Until 0.2.0: no interface, one address of a family, its routes with it. */
function onePerFamily({ addresses, routes }: Result): Json {
  const entry = (wanted: number) => {
    const first = addresses.find(({ family }) => family === wanted);
    const own = routes.filter(({ family }) => family === wanted);
    return first && { ip: first.address, gateway: first.gateway, routes: own.map(bare) };
  };
  return { ip4: entry(4), ip6: entry(6) };
}

/**
 * The pod's interface comes first: it is the one that the addresses point to. Plugins that are
 * chained behind us look for the other end among those without a sandbox.
 */
function interfacesAndIps(result: Result, cniVersion: string): Json {
  const { nic, hostInterface, addresses, routes } = result;
  const mtu = cniVersion === '1.1.0' ? nic?.mtu : undefined;
  return {
    interfaces: nic && [{ ...nic, mtu }, ...(hostInterface ? [hostInterface] : [])],
    ips: addresses.map(({ family, address, gateway }) => ({
      version: cniVersion.startsWith('0.') ? String(family) : undefined,
      interface: nic && 0,
      address,
      gateway,
    })),
    routes: routes.map(bare),
  };
}

function bare({ dst, gw }: Result['routes'][number]): Json {
  return { dst, gw };
}

function readAddress(from: Source): Result['addresses'][number] {
  const ip = text(from, 'ip');
  const gateway = text(from, 'gateway') || undefined;
  const family = familyOf(ip);
  if (family === 0 || from.fields.protocol !== `IPv${family}`) {
    wrong(from, 'ip', `an ${text(from, 'protocol')} address`, ip);
  }
  const cidr = parseCidr(text(from, 'cidr'));
  if (cidr?.family !== family) {
    return wrong(from, 'cidr', `an IPv${family} CIDR`, from.fields.cidr);
  }
  if (gateway !== undefined && familyOf(gateway) !== family) {
    wrong(from, 'gateway', `an IPv${family} address`, gateway);
  }
  return { family, address: `${ip}/${cidr.length}`, gateway };
}

/** Of the addresses' Subnet, by family; Kube-OVN's daemon does not say them. */
function readGateways(from: Source): ReadonlyMap<number, string> {
  const gateways = strings(from, 'subnet_gateways');
  const wrongOne = gateways.find((gateway) => familyOf(gateway) === 0);
  if (wrongOne !== undefined) {
    wrong(from, 'subnet_gateways', 'an array of addresses', wrongOne);
  }
  return new Map(gateways.map((gateway) => [familyOf(gateway), gateway]));
}

/** Without `dst` it is the default route of its gateway's family. */
function readRoute(from: Source, dst: string, gw: string, i: number): Result['routes'][number] {
  if (familyOf(gw) === 0 && (gw !== '' || dst === '')) {
    wrong(from, `routes[${i}].gw`, 'an address', gw);
  }
  const cidr = parseCidr(dst || defaultOf(familyOf(gw)));
  return cidr === undefined
    ? wrong(from, `routes[${i}].dst`, 'a CIDR', dst)
    : { family: cidr.family, dst: cidr.network, gw: gw || undefined };
}

function readNic(from: Source, sandbox: string): Json {
  const name = readName(from, 'nicname');
  const mac = readMac(from, 'mac_address');
  const mtu = from.fields.mtu ?? 0;
  if (!Number.isSafeInteger(mtu) || Number(mtu) < 0) {
    wrong(from, 'mtu', 'a number of bytes', mtu);
  }
  return { name, mac, mtu: mtu || undefined, sandbox };
}

/** Kube-OVN's daemon does not say it. */
function readHostInterface(from: Source): Json | undefined {
  if (from.fields.host_interface === undefined) {
    return undefined;
  }
  const said = object(from, 'host_interface');
  return { name: readName(said, 'name'), mac: readMac(said, 'mac') };
}

function readName(from: Source, key: string): string {
  const name = text(from, key);
  return isInterfaceName(name) ? name : wrong(from, key, 'the name of an interface', name);
}

function readMac(from: Source, key: string): string | undefined {
  const mac = text(from, key) || undefined;
  return mac === undefined || /^[\da-f]{2}(:[\da-f]{2})+$/i.test(mac)
    ? mac
    : wrong(from, key, 'a MAC address', mac);
}

function defaultOf(family: number): string {
  return family === 4 ? '0.0.0.0/0' : '::/0';
}
