/**
 * The network configuration on stdin, checked once. Two shapes are ours: `type: kube-ovn`, where
 * this executable makes the interface, and any other type whose `ipam.type` is `kube-ovn`, where
 * it only hands out addresses and `server_socket`, `provider` and `routes` stand in `ipam`.
 */
import { CniCode } from '../wire/cni.ts';
import type { CniRequest } from '../wire/messages.ts';
import { bandwidth } from './bandwidth.ts';
import { cniError, mismatch } from './error.ts';
import {
  dns,
  flag,
  isObject,
  type Json,
  object,
  routes,
  type Source,
  text,
  wrong,
} from './fields.ts';
import type { Command } from './invocation.ts';

/** The versions of the CNI specification this executable speaks, oldest first. */
export const CNI_VERSIONS: readonly string[] = [
  '0.1.0',
  '0.2.0',
  '0.3.0',
  '0.3.1',
  '0.4.0',
  '1.0.0',
  '1.1.0',
];
/** Used where the configuration's version is not known. */
export const NEWEST_CNI_VERSION = '1.1.0';

const OUR_TYPE = 'kube-ovn';
const PRIMARY_PROVIDER = 'ovn';
const PRIMARY_INTERFACE = 'eth0';
/** `sun_path` of unix(7) less the closing NUL. */
const SOCKET_PATH_BYTES_MAX = 107;

/** A configuration, checked. */
export interface NetworkConfig {
  /** True where another plugin calls us for addresses only. */
  readonly isDelegate: boolean;
  readonly serverSocket: string;
  /** The configuration's part of the daemon's request. */
  readonly request: Omit<
    CniRequest,
    'pod_name' | 'pod_namespace' | 'container_id' | 'net_ns' | 'if_name'
  >;
}

/**
 * The JSON object of stdin and its version; a missing or empty `cniVersion` means 0.1.0, as in
 * libcni. Throws error 6 for what is not a JSON object, 1 for a version we do not speak.
 */
export function decodeConfig(stdin: string): { cniVersion: string; top: Source } {
  const top: Source = { fields: parseObject(stdin), prefix: '', fail: invalidConfig };
  const cniVersion = text(top, 'cniVersion') || '0.1.0';
  if (!CNI_VERSIONS.includes(cniVersion)) {
    const details = mismatch('cniVersion', `one of ${CNI_VERSIONS.join(', ')}`, cniVersion);
    throw cniError(CniCode.incompatibleVersion, 'incompatible CNI version', details);
  }
  return { cniVersion, top };
}

/** Throws error 1 where the configuration's version is older than `since`, the verb's first. */
export function refuseOlder(cniVersion: string, command: Command, since: string): void {
  if (CNI_VERSIONS.indexOf(cniVersion) < CNI_VERSIONS.indexOf(since)) {
    const expected = `${since} or newer, as ${command} exists from version ${since} on`;
    const details = mismatch('cniVersion', expected, cniVersion);
    throw cniError(CniCode.incompatibleVersion, 'incompatible CNI version', details);
  }
}

/**
 * Throws error 7, which names the field. DEL reads neither `routes` nor `dns`: it has no use for
 * them, and a mistake there, which kept ADD from working, must not keep the pod from going.
 * What is said about the making of an interface, `bandwidth` among it, is read where we make it;
 * a plugin that delegates to us has its own ideas of such fields.
 * `ifName` is empty for the verbs about a whole network.
 */
export function checkConfig(top: Source, command: Command, ifName: string): NetworkConfig {
  const type = text(top, 'type') || wrong(top, 'type', 'the name of a plugin', top.fields.type);
  const isDelegate = type !== OUR_TYPE;
  const own = isDelegate ? object(top, 'ipam') : top;
  if (own.fields.type !== OUR_TYPE) {
    wrong(own, 'type', `"${OUR_TYPE}", as "type" is "${type}"`, own.fields.type);
  }
  const isDel = command === 'DEL';
  const mayLackProvider = isDel || ifName === '' || ifName === PRIMARY_INTERFACE;
  const request = {
    cni_type: type,
    network: text(top, 'name'),
    provider: providerOf(own, mayLackProvider),
    routes: isDel ? [] : routes(own),
    dns: isDel ? {} : dns(top),
    ...(isDelegate ? {} : interfaceFields(top)),
    ...(command === 'ADD' && !isDelegate ? { ...bandwidth(top), ...ipv6Options(top) } : {}),
  };
  return { isDelegate, serverSocket: socketPath(own), request };
}

function interfaceFields(top: Source): Partial<CniRequest> {
  return {
    vf_driver: text(top, 'vf_driver'),
    deviceID: text(top, 'deviceID'),
    vhost_user_socket_volume_name: text(top, 'vhost_user_socket_volume_name'),
    vhost_user_socket_name: text(top, 'vhost_user_socket_name'),
    vhost_user_socket_consumption: text(top, 'vhost_user_socket_consumption'),
  };
}

/**
 * Fields of ours: true where an administrator wants addresses from the routers of an underlay, and where
 * interfaces without IPv6 addresses are to have a link-local one.
 */
function ipv6Options(top: Source): Pick<CniRequest, 'accept_ra' | 'ipv6_link_local'> {
  return {
    ...(flag(top, 'accept_ra') ? { accept_ra: true } : {}),
    ...(flag(top, 'ipv6_link_local') ? { ipv6_link_local: true } : {}),
  };
}

/** Missing on a further interface, it would be the logical switch port of the pod's eth0. */
function providerOf(own: Source, mayBeMissing: boolean): string {
  const provider = text(own, 'provider');
  if (provider !== '' || mayBeMissing) return provider || PRIMARY_PROVIDER;
  const expected = '"<name>.<namespace>.ovn", or "<name>.<namespace>" for addresses only';
  return wrong(own, 'provider', expected, own.fields.provider);
}

function socketPath(own: Source): string {
  const path = text(own, 'server_socket');
  const fits = Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX && !path.includes('\0');
  const expected = `the absolute path of the daemon's socket, at most ${SOCKET_PATH_BYTES_MAX} bytes`;
  return path.startsWith('/') && fits
    ? path
    : wrong(own, 'server_socket', expected, own.fields.server_socket);
}

function parseObject(stdin: string): Json {
  let details: string;
  try {
    const found: unknown = JSON.parse(stdin);
    if (isObject(found)) {
      return found;
    }
    details = mismatch('stdin', 'a JSON object', found);
  } catch (error) {
    details = `stdin is not JSON: ${(error as Error).message}`;
  }
  throw cniError(CniCode.decoding, 'cannot decode the network configuration', details);
}

function invalidConfig(details: string): Error {
  return cniError(CniCode.invalidConfig, 'invalid network configuration', details);
}
