import { describe, expect, it } from 'vitest';
import { projectPod } from '../../../../src/daemon/model/pod.ts';
import { releaseIfaceIdCommands } from '../../../../src/daemon/ovs/iface-id.ts';
import {
  type IfaceIdOwners,
  returnCommands,
} from '../../../../src/daemon/ownership/iface-id-owner.ts';
import { interfaceOf } from '../ovs/rows.ts';

/** A path at which the node that runs the tests has a network namespace. */
const LIVING = '/proc/self/ns/net';
const PORT = 'vm-1.shop';

type NamedRow = readonly [name: string, ids: Record<string, string>];
const tableOf = (...rows: readonly NamedRow[]) => ({
  rows: new Map(
    rows.map(([name, external_ids]) => {
      const uuid = `uuid-${name}`;
      return [uuid, interfaceOf({ uuid, name, external_ids })];
    }),
  ),
});
const lost = (more = {}) => ({
  'lost-iface-id': PORT,
  'iface-id-ver': 'uid-old',
  pod_netns: LIVING,
  ...more,
});

/** Pods of the node. */
const podsOf = (...raws: readonly object[]) => ({
  isSynced: true,
  values: () => raws.map(projectPod).values(),
});
const podOf = (metadata: object = {}, status: object = {}) => ({
  metadata: { namespace: 'shop', name: 'old', uid: 'uid-old', ...metadata },
  status,
});
const restore = (rows: readonly NamedRow[], pods: IfaceIdOwners['pods'] = podsOf(podOf())) =>
  returnCommands(PORT, ['new'], { interfaces: tableOf(...rows), pods });
const GIVEN = [
  ...['--', '--if-exists', 'set', 'Interface', 'uuid-old', `external_ids:iface-id="${PORT}"`],
  ...['--', '--if-exists', 'remove', 'Interface', 'uuid-old', 'external_ids', 'lost-iface-id'],
];

describe('a logical switch port that is given up', () => {
  it('is that of the sandbox again which lost it and lives', () => {
    expect(
      restore([
        ['new', { 'iface-id': PORT }],
        ['old', lost()],
      ]),
    ).toEqual(GIVEN);
  });

  it.each([
    ['was deleted', podsOf()],
    ['is being deleted', podsOf(podOf({ deletionTimestamp: '2026-01-01T00:00:00Z' }))],
    ['has ended', podsOf(podOf({}, { phase: 'Succeeded' }))],
    ['was replaced by another of its name', podsOf(podOf({ uid: 'uid-new' }))],
  ])("is not that of a sandbox whose pod %s: it may be another one's, elsewhere", (_, pods) => {
    expect(restore([['old', lost()]], pods)).toEqual([]);
  });

  it.each([
    ['no list of pods has come yet', lost(), { ...podsOf(), isSynced: false }],
    [
      "it is a static pod's, whose mirror has another UID by now",
      lost({ static_pod: 'hash' }),
      podsOf(podOf({ uid: 'uid-2', annotations: { 'kubernetes.io/config.hash': 'hash' } })),
    ],
  ])('is that of a sandbox that lives where %s', (_, ids, pods) => {
    expect(restore([['old', ids]], pods)).toEqual(GIVEN);
  });

  it.each([
    ['has another holder', [['other', { 'iface-id': PORT }] as const]],
    [
      'was lost by a sandbox that is gone',
      [['old', lost({ pod_netns: '/run/netns/gone' })] as const],
    ],
    [
      'was lost by nobody',
      [['other', { 'lost-iface-id': 'vm-2.shop', pod_netns: LIVING }] as const],
    ],
    ['was lost by what goes, too', [['new', lost()] as const]],
  ])("stays nobody else's where it %s", (_, rows) => {
    expect(restore(rows)).toEqual([]);
  });
});

it('a row that loses a logical switch port remembers which', () => {
  expect(releaseIfaceIdCommands(['u1'], PORT)).toEqual([
    ...['--', '--if-exists', 'remove', 'Interface', 'u1', 'external_ids', 'iface-id'],
    ...['--', '--if-exists', 'set', 'Interface', 'u1', `external_ids:lost-iface-id="${PORT}"`],
  ]);
});
