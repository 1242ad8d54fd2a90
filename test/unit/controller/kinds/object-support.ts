/**
 * Objects to deviate from, as the API server sends them, and the values that are read off them.
 */

import type { Address } from '../../../../src/common/address.ts';
import { parseAddress } from '../../../../src/common/address.ts';
import { projectSubnet } from '../../../../src/controller/kinds/subnet/object/project-subnet.ts';
import type {
  Subnet,
  SubnetObject,
} from '../../../../src/controller/kinds/subnet/object/subnet.ts';
import { projectVlan, type VlanObject } from '../../../../src/controller/kinds/vlan/object/vlan.ts';
import { projectVpc, type VpcObject } from '../../../../src/controller/kinds/vpc/object/vpc.ts';
import type { Checked } from '../../../../src/controller/model/problem.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import { defaultSettings } from '../settings.ts';

export const settings: ClusterSettings = defaultSettings;

/** Anything that a Kubernetes object has. */
export interface RawObject {
  readonly metadata?: object;
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** The documentation's Subnet for a macvlan network. */
export const MACVLAN = {
  protocol: 'IPv4',
  provider: 'macvlan.default',
  cidrBlock: '172.17.0.0/16',
  gateway: '172.17.0.1',
  excludeIps: ['172.17.0.0..172.17.0.10'],
};

export function rawObject(name: string, { metadata, ...rest }: RawObject = {}): object {
  return {
    metadata: { name, uid: `uid-${name}`, resourceVersion: '7', ...metadata },
    ...rest,
  };
}

export function subnetObject(
  name: string,
  spec: object,
  more: Omit<RawObject, 'spec'> = {},
  changes: Partial<ClusterSettings> = {},
): SubnetObject {
  return projectSubnet(rawObject(name, { ...more, spec }), { ...settings, ...changes });
}

/** A Subnet with which nothing is wrong; otherwise the test fails. */
export function subnetOf(
  spec: object,
  name = 'net',
  changes: Partial<ClusterSettings> = {},
): Subnet {
  return rightOf(subnetObject(name, spec, {}, changes).checked);
}

export function vlanObject(name: string, spec: object = {}, status: object = {}): VlanObject {
  return projectVlan(rawObject(name, { spec, status }), settings);
}

export function vpcObject(name: string, spec: object = {}, status: object = {}): VpcObject {
  return projectVpc(rawObject(name, { spec, status: { standby: true, ...status } }), 'ovn-cluster');
}

/** The value of a result; problems fail the test. */
export function rightOf<T>(result: Checked<T>): T {
  if ('value' in result) return result.value;
  throw new Error(`expected no problem and got ${JSON.stringify(result.problems)}`);
}

/** What is wrong, in words; none where nothing is. */
export function messagesOf(result: Checked<unknown>): readonly string[] {
  return 'value' in result ? [] : result.problems.map(({ message }) => message);
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}
