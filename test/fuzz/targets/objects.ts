/**
 * Objects that no API server sends: whoever keeps them gets an object of the right form, or an
 * Error, which WatchCache takes; and who an object is, is never in doubt.
 */
import * as fc from 'fast-check';
import { identify } from '../../../src/common/kubernetes/store.ts';
import { projectNode } from '../../../src/daemon/model/node.ts';
import { projectPod } from '../../../src/daemon/model/pod.ts';
import { projectSubnet, subnetOfProvider } from '../../../src/daemon/model/subnet.ts';
import { must } from '../oracles/types.ts';
import { pureTarget } from '../target.ts';
import { type Members, membersOf, nearObject, nearText, oddValue, toText } from '../values/json.ts';
import { annotationsOf, rawSubnet } from '../values/objects.ts';

const KEYS = [
  ...['name', 'namespace', 'uid', 'resourceVersion', 'annotations', 'labels', 'deletionTimestamp'],
  ...['provider', 'mtu', 'vlan', 'cidrBlock', 'u2oInterconnection', 'nodeNetwork', 'addresses'],
  ...['u2oInterconnectionIP', 'v4availableIPs'],
];

const ADDRESSES = [{ type: 'InternalIP', address: '10.9.0.1' }];

const metadata = nearObject(
  annotationsOf('ovn', 'eth0').map((annotations) =>
    membersOf({ name: 'a', namespace: 'b', uid: 'c', resourceVersion: '1', annotations }),
  ),
  {},
  KEYS,
).map(toText);

const object = nearText(
  nearObject(
    fc
      .tuple(metadata, rawSubnet)
      .map(
        ([meta, { spec, status }]): Members => [
          ['metadata', meta],
          ...membersOf({ spec, status: { ...status, addresses: ADDRESSES } }),
        ],
      ),
    { metadata: fc.oneof(metadata, oddValue) },
    ['spec', 'status', ...KEYS],
  ),
);

export const objects = pureTarget('objects', 5_000, object, (text) => {
  const raw = parsed(text);
  const identity = identify(raw);
  if (identity !== undefined) {
    const { key, uid, resourceVersion } = identity;
    must(
      [key, uid, resourceVersion].every((part) => typeof part === 'string'),
      'texts',
      identity,
    );
  }
  const pod = orError(() => projectPod(raw));
  if (pod !== undefined) {
    must(Object.getPrototypeOf(pod.annotations) === null, 'annotations inherit nothing', pod);
  }
  const subnet = orError(() => projectSubnet(raw));
  if (subnet !== undefined) orError(() => subnetOfProvider([subnet, subnet], 'ovn'));
  const node = orError(() => projectNode(raw));
  if (node !== undefined) {
    must(Object.getPrototypeOf(node.nodeNetworks) === null, 'networks inherit nothing', node);
  }
  const kinds = { pod, subnet, node };
  const kept = Object.entries(kinds).flatMap(([kind, one]) => (one === undefined ? [] : [kind]));
  return `${identity === undefined ? 'nobody' : 'somebody'}: ${kept.join('+') || 'nothing'}`;
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Undefined for an Error, which is what WatchCache takes. */
function orError<T>(project: () => T): T | undefined {
  try {
    return project();
  } catch (error) {
    must(error instanceof Error, 'what is thrown is an Error', error);
    return undefined;
  }
}
