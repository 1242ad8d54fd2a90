/**
 * Where a program's HTTP server listens, as Kube-OVN's charts say it by the environment.
 */
import { parseAddress } from '../address.ts';
import { show } from '../text.ts';

/** Of one pod; Kubernetes gives at most one of each family. */
const ADDRESSES_MAX = 8;

/**
 * With ENABLE_BIND_LOCAL_IP=true only the pod's own addresses, POD_IPS (a comma list), as Kube-OVN's
 * programs do.
 * @returns empty for all addresses of the host
 * @throws Error that names the variable
 */
export function listenAddresses(environment: NodeJS.ProcessEnv): string[] {
  // The Go programs compare with this word alone.
  if (environment.ENABLE_BIND_LOCAL_IP !== 'true') return [];
  const list = environment.POD_IPS || environment.POD_IP || '';
  const addresses = list.split(',').map((text) => {
    const address = parseAddress(text.trim());
    if (address === undefined) throw wrong(list);
    return address.text;
  });
  if (addresses.length > ADDRESSES_MAX) throw wrong(list);
  return [...new Set(addresses)];
}

function wrong(list: string): Error {
  return new Error(
    `POD_IPS=${show(list)}: expected the pod's addresses, a comma between them, since ENABLE_BIND_LOCAL_IP is true: set it by fieldRef status.podIPs`,
  );
}
