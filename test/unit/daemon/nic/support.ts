/**
 * What the tests of annotations share: a NIC as the controller writes it, and short ways to read
 * one.
 */

import { cidrText } from '../../../../src/common/address.ts';
import type { Annotations } from '../../../../src/daemon/model/annotation-keys.ts';
import type { Nic } from '../../../../src/daemon/model/nic.ts';
import { readPossibleNic } from '../../../../src/daemon/nic/allocation.ts';
import { attachmentOf } from '../support.ts';

export const ATTACHED = 'attachnet.default.ovn';

export const V4 = { ip_address: '10.16.0.15', cidr: '10.16.0.0/16', gateway: '10.16.0.1' };
export const V6 = {
  ip_address: 'fd00:10:16::f',
  cidr: 'fd00:10:16::/112',
  gateway: 'fd00:10:16::1',
};
/** What the controller writes for a NIC with one IPv4 address. */
export const WRITTEN = {
  ...V4,
  allocated: 'true',
  mac_address: '00:00:00:53:6b:b6',
  logical_switch: 'ovn-default',
  routed: 'true',
};

/** Keys of one provider; an undefined value leaves the key out. */
export function under(provider: string, values: Record<string, string | undefined>): Annotations {
  const defined = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    defined.map(([name, value]) => [`${provider}.kubernetes.io/${name}`, value ?? '']),
  );
}

export const primary = attachmentOf();
export const net1 = attachmentOf({ ifName: 'net1', provider: ATTACHED });

/** The NIC of an attachment; fails the test where something is missing. */
export function nicOf(annotations: Annotations, attachment = primary): Nic {
  const nic = readPossibleNic(annotations, attachment);
  if ('missing' in nic) throw new Error(`missing: ${nic.missing.what}`);
  return nic;
}

/** The primary NIC with some of its annotations changed. */
export const nicWith = (changes: Record<string, string | undefined>) =>
  nicOf(under('ovn', { ...WRITTEN, ...changes }));

/** What it waits for; undefined where nothing is missing. */
export function missing(annotations: Annotations, attachment = primary): string | undefined {
  const nic = readPossibleNic(annotations, attachment);
  return 'missing' in nic ? nic.missing.what : undefined;
}

/** Addresses as text: `address in cidr via gateway`. */
export const shown = (nic: Nic) =>
  nic.addresses.map(
    ({ address, cidr, gateway }) =>
      `${address.text} in ${cidrText(cidr)} via ${gateway?.text ?? 'nobody'}`,
  );
