/**
 * What an ADD answers: from what was allocated and made to the body of the response. Pure.
 */
import { bits, cidrText } from '../../common/address.ts';
import type { CniResponse, IpConfig } from '../../wire/messages.ts';
import type { Nic, NicAddress } from '../model/nic.ts';
import { lastOfEachDestination, type Route, toWireRoute } from '../model/route.ts';

/** The interface that an ADD made. */
export interface MadeInterface {
  readonly nic: Nic;
  /** In the pod. */
  readonly ifName: string;
  /** Name on the node. */
  readonly hostInterface: string;
  /** Of the interface on the node; empty where OVS has not said it. */
  readonly hostMac: string;
  /** Bytes. */
  readonly mtu: number;
  /** Beside those that the kernel makes of the addresses. */
  readonly routes: readonly Route[];
}

/** The answer for an interface that we have made. */
export function interfaceAnswer(made: MadeInterface): CniResponse {
  const { nic, ifName, hostInterface, hostMac, mtu, routes } = made;
  return {
    ...addressesOf(nic),
    host_interface: { name: hostInterface, mac: hostMac },
    mac_address: nic.mac ?? '',
    routes: lastOfEachDestination([...connectedRoutes(nic), ...routes]).map(toWireRoute),
    mtu,
    nicname: ifName,
    dns: {},
    error: '',
  };
}

/**
 * For another plugin that makes the interface.
 * @param routes all of them: without any the executable makes the default routes
 */
export function delegateAnswer(nic: Nic, routes: readonly Route[]): CniResponse {
  return {
    ...addressesOf(nic),
    mac_address: '',
    routes: routes.map(toWireRoute),
    mtu: 0,
    nicname: '',
    dns: {},
    error: '',
  };
}

/** What the kernel makes of each address that is not a network of its own; Kube-OVN lists them, too. */
function connectedRoutes({ addresses }: Nic): Route[] {
  return addresses
    .filter(({ cidr }) => cidr.prefixLength < bits(cidr.family))
    .map(({ cidr }) => ({ destination: cidr }));
}

function addressesOf({ addresses, holdsDefaultRoute }: Nic) {
  return {
    ips: addresses.map((address) => toIpConfig(address, holdsDefaultRoute)),
    subnet_gateways: addresses.flatMap(({ gateway }) => gateway?.text ?? []),
  } satisfies Partial<CniResponse>;
}

function toIpConfig({ address, cidr, gateway }: NicAddress, isDefault: boolean): IpConfig {
  const config = { protocol: address.family, ip: address.text, cidr: cidrText(cidr) };
  return isDefault && gateway ? { ...config, gateway: gateway.text } : config;
}
