/**
 * Names that follow from an attachment. Pure; the rules are Kube-OVN's.
 */
import { createHash } from 'node:crypto';
import { INTERFACE_NAME_BYTES_MAX } from '../../wire/cni.ts';

/**
 * Names that ip(8) may take for something else: where no interface is named `if7…`, it takes the one
 * with index 7 (iproute2, lib/ll_map.c), and a DEL that is repeated would delete another's.
 */
const LOOKS_LIKE_INDEX = /^if/;

/** Digits of the container id that must remain in a name for Kube-OVN's rule to be usable. */
const ID_DIGITS_MIN = 1;

/**
 * Names for an attachment's interface on the node, best first; all at most 15 bytes.
 *
 * The first is Kube-OVN's: 12 characters of container id and interface name, then `_h`. A long
 * interface name leaves few digits of the id, so that two pods of one node can meet on one
 * name; the last candidate is a hash of the whole key (65 bits) and takes over then. It is the
 * only one where Kube-OVN has no rule.
 */
export function hostInterfaceNames(
  containerId: string,
  ifName: string,
): readonly [string, ...string[]] {
  const hashed = `${hashOf(`${containerId}/${ifName}`)}_h`;
  if (LOOKS_LIKE_INDEX.test(containerId)) return [hashed];
  if (ifName === 'eth0') return [`${containerId.slice(0, 12)}_h`, hashed];
  const short = withoutKubeVirtPrefix(ifName);
  const digits = 12 - Buffer.byteLength(short);
  if (digits < ID_DIGITS_MIN) return [hashed];
  return [`${containerId.slice(0, digits)}_${short}_h`, hashed];
}

/** The alias of the end in the pod, by which fast-path tools know it: the host end's with `_c`. */
export function containerAlias(hostInterface: string): string {
  return `${hostInterface.slice(0, -2)}_c`;
}

/** KubeVirt 1.0 names its NICs `pod<11 hex digits>`: the prefix and the last 4 digits go. */
function withoutKubeVirtPrefix(ifName: string): string {
  return ifName.startsWith('pod') && ifName.length === 14 ? ifName.slice(3, -4) : ifName;
}

function hashOf(text: string): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const digest = createHash('sha256').update(text).digest();
  const length = INTERFACE_NAME_BYTES_MAX - '_h'.length;
  const hash = [...digest.subarray(0, length)].map((byte) => alphabet[byte & 31]).join('');
  return hash.replace(LOOKS_LIKE_INDEX, '8f');
}
