/**
 * What this controller notes on an IP object besides Kube-OVN's fields: for which pod it was, and what
 * that got. Nobody who writes pods writes IP objects; so it tells, when nothing else does any more,
 * whether a pod was given the addresses that its annotations do not, or no longer, speak of, and
 * whether the object was edited by hand. Ours, and optional: IP objects of Kube-OVN's controller have
 * none. Pure.
 */

import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { IP_RECORD_ANNOTATION } from '../../../../common/names.ts';

/**
 * For whom an IP object was written, and with which addresses and MAC; kept in the annotation
 * IP_RECORD_ANNOTATION as JSON.
 */
export interface IpRecord {
  /** UID of the pod, or of the VirtualMachineInstance whose pods share the object. */
  readonly uid: string;
  /** `v4`, `v6` or `v4,v6`. */
  readonly addresses: string;
  /** Empty where the NIC has none of ours. */
  readonly mac: string;
}

/** @param metadata of the object; what cannot be read counts as absent */
export function readRecord(metadata: unknown): IpRecord | undefined {
  const text = readQuietly(metadata).part('annotations').text(IP_RECORD_ANNOTATION);
  if (text === '') return undefined;
  try {
    const said = readQuietly(rawFields(JSON.parse(text)));
    const uid = said.text('uid');
    return uid === ''
      ? undefined
      : { uid, addresses: said.text('addresses'), mac: said.text('mac') };
  } catch {
    return undefined;
  }
}

/** The annotation that says this. */
export function recordAnnotation({ uid, addresses, mac }: IpRecord): Record<string, string> {
  return { [IP_RECORD_ANNOTATION]: JSON.stringify({ uid, addresses, mac }) };
}

/** True where both say the same. */
export function isSameRecord(one: IpRecord, other: IpRecord | undefined): boolean {
  return one.uid === other?.uid && one.addresses === other.addresses && one.mac === other.mac;
}
