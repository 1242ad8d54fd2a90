/**
 * `prevResult`, the result of the ADD that a CHECK looks after (CNI spec 1.1, section 2, "CHECK"),
 * in the daemon's form. Versions 0.4.0 to 1.1.0 differ only in fields that nobody compares.
 */
import { CniCode } from '../wire/cni.ts';
import type { PrevResult } from '../wire/messages.ts';
import { cniError } from './error.ts';
import {
  isObject,
  type Json,
  object,
  objects,
  routes,
  type Source,
  text,
  wrong,
} from './fields.ts';

/** Throws error 7, which names the field; a result that is missing is one. */
export function readPrevResult(top: Source): PrevResult {
  if (!isObject(top.fields.prevResult)) {
    wrong(top, 'prevResult', "the result of this attachment's ADD", top.fields.prevResult);
  }
  const result = object(top, 'prevResult');
  return {
    interfaces: objects(result, 'interfaces', 'an array of objects').map(readInterface),
    ips: objects(result, 'ips', 'an array of objects').map(readAddress),
    routes: routes(result),
  };
}

/**
 * Throws error 4, which names CNI_IFNAME, for an ADD whose interface an earlier plugin of the chain has
 * made in the pod. Of its result nothing else is read, and nothing has to be right.
 */
export function refuseTakenName(top: Source, ifName: string): void {
  const { interfaces } = (top.fields.prevResult ?? {}) as Partial<Json>;
  const isTaken = (entry: unknown) =>
    isObject(entry) && entry.name === ifName && (entry.sandbox ?? '') !== '';
  if (!Array.isArray(interfaces) || !interfaces.some(isTaken)) return;
  const details =
    `CNI_IFNAME: expected a name that is free in the pod, found "${ifName}", which an earlier plugin of the ` +
    'same chain has made (prevResult): kube-ovn makes its interface itself, so it is the first plugin of its conflist';
  throw cniError(CniCode.invalidEnvironment, 'invalid environment variable CNI_IFNAME', details);
}

function readInterface(from: Source): PrevResult['interfaces'][number] {
  const name = text(from, 'name') || wrong(from, 'name', 'a name', from.fields.name);
  const mtu = from.fields.mtu ?? 0;
  return isCount(mtu)
    ? { name, mac: text(from, 'mac'), mtu, sandbox: text(from, 'sandbox') }
    : wrong(from, 'mtu', 'a number of bytes', mtu);
}

/** An index that is none, like -1, says as little as one that is missing. */
function readAddress(from: Source): PrevResult['ips'][number] {
  const expected = 'an address with its prefix length';
  const address = text(from, 'address') || wrong(from, 'address', expected, from.fields.address);
  const index = from.fields.interface;
  return isCount(index) ? { address, interface: index } : { address };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
