/**
 * Who has addresses of a Subnet, in words. Pure.
 */
import { type IpObject, isReserved } from '../kinds/ip/object/ip.ts';
import { say } from '../model/problem.ts';

/** As many as help to find the rest. */
const NAMED_MAX = 3;

/**
 * `pod shop/web-0, pod shop/web-1, pod shop/web-2 and others`; empty where there are none. It looks
 * at no more of them than it names, since there may be many, and many pods may ask.
 */
export function holdersText(ips: Iterable<IpObject>): string {
  const names: string[] = [];
  for (const ip of ips) {
    if (names.length === NAMED_MAX) return `${names.join(', ')} and others`;
    names.push(holderText(ip));
  }
  return names.join(', ');
}

function holderText(ip: IpObject): string {
  const { namespace, podName, podType } = ip.spec;
  const isPods = podName !== ip.meta.name;
  if (!isPods || isReserved(ip) || namespace === '' || podName === '')
    return say`IP ${ip.meta.name}`;
  const kind = podType === 'VirtualMachine' ? 'virtual machine' : 'pod';
  return say`${kind} ${namespace}/${podName}`;
}
