/**
 * Where OVN's northbound database is: what the flag says, or what Kube-OVN's start script makes of
 * the environment (dist/images/start-controller.sh).
 */
import { isIPv6 } from 'node:net';
import { readBoolean, readNumber, wrongValue } from '../../common/flags/go-flags.ts';
import { parseRemote } from '../../common/ovsdb/remote.ts';
import type { NorthboundAddress } from '../ovn/open.ts';

/** Where Kube-OVN's charts mount the Secret kube-ovn-tls. */
const TLS = {
  privateKey: '/var/run/tls/key',
  certificate: '/var/run/tls/cert',
  caCertificate: '/var/run/tls/cacert',
};

/**
 * The database's address, or undefined where nothing says one: then there is no OVN.
 * @param flag what `--ovn-nb-addr` says; empty where it is not given
 * @throws Error that names the flag or the variable that is wrong
 */
export function northboundOf(
  flag: string,
  environment: NodeJS.ProcessEnv,
): NorthboundAddress | undefined {
  const { OVN_NB_ADDR = '', OVN_DB_IPS = '', OVN_NB_SERVICE_HOST = '' } = environment;
  if (flag !== '') return optionsOf('--ovn-nb-addr', flag);
  if (OVN_NB_ADDR !== '') return optionsOf('OVN_NB_ADDR', OVN_NB_ADDR);
  if (OVN_DB_IPS !== '') {
    const hosts = OVN_DB_IPS.replaceAll(/\s/g, '').split(',');
    return ofHosts('OVN_DB_IPS', hosts, { port: 'KUBE_OVN_NB_PORT', environment });
  }
  if (OVN_NB_SERVICE_HOST === '') return undefined;
  const port = 'OVN_NB_SERVICE_PORT';
  return ofHosts('OVN_NB_SERVICE_HOST', [OVN_NB_SERVICE_HOST], { port, environment });
}

/** @param port name of the variable with it */
function ofHosts(
  label: string,
  hosts: readonly string[],
  { port, environment }: { port: string; environment: NodeJS.ProcessEnv },
): NorthboundAddress {
  const isTls = readBoolean('ENABLE_SSL', environment.ENABLE_SSL || 'false');
  const number = readNumber(port, environment[port] || '6641', 1, 65_535);
  const protocol = isTls ? 'ssl' : 'tcp';
  const remotes = hosts.map((host) => {
    if (isIPv6(host)) return `${protocol}:[${host}]:${number}`;
    if (/^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$/.test(host)) {
      return `${protocol}:${host}:${number}`;
    }
    throw wrongValue(label, hosts.join(','), 'IP addresses or names, with commas between');
  });
  return optionsOf(label, remotes.join(','));
}

function optionsOf(label: string, text: string): NorthboundAddress {
  const remotes = text.split(',');
  if (/\s/.test(text) || remotes.some((remote) => parseRemote(remote) === undefined)) {
    throw wrongValue(label, text, 'OVSDB remotes like tcp:[10.0.0.1]:6641, with commas between');
  }
  const isTls = remotes.some((remote) => remote.startsWith('ssl:'));
  return isTls ? { database: text, tls: TLS } : { database: text };
}
