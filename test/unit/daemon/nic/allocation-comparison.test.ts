import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../../src/daemon/model/pod.ts';
import { recordedNic } from '../../../../src/daemon/nic/allocation-comparison.ts';
import { attachmentOf } from '../support.ts';
import { ATTACHED, under, WRITTEN } from './support.ts';

const pod: Pod = {
  namespace: 'shop',
  name: 'web-0',
  uid: 'uid-1',
  deleting: false,
  finished: false,
  annotations: under(ATTACHED, WRITTEN),
};
const net1 = attachmentOf({
  ifName: 'net1',
  provider: ATTACHED,
  pod: { namespace: 'shop', name: 'web-0', uid: 'uid-1' },
});

/** A copy of the pods that was filled. */
function podsWith(...pods: Pod[]) {
  const find = (key: string) => pods.find(({ namespace, name }) => key === `${namespace}/${name}`);
  return { isSynced: true, get: find };
}

describe('what is recorded of a NIC', () => {
  it('is its pod with what the annotations say', () => {
    const { differences, ...known } = recordedNic(net1, podsWith(pod));
    expect(differences).toEqual([]);
    expect(known).toMatchObject({ pod, nic: { mac: WRITTEN.mac_address } });
  });

  it('is nothing, and no difference, before the first list', () => {
    const unknown = { isSynced: false, get: () => undefined };
    expect(recordedNic(net1, unknown)).toEqual({ differences: [] });
  });

  it('is still there while the pod is being deleted', () => {
    expect(recordedNic(net1, podsWith({ ...pod, deleting: true })).nic).toBeDefined();
  });

  it('is that of a static pod, which the runtime knows by another UID', () => {
    const annotations = { ...pod.annotations, 'kubernetes.io/config.hash': 'uid-1' };
    const mirror = { ...pod, uid: 'mirror', annotations };
    expect(recordedNic(net1, podsWith(mirror))).toMatchObject({ pod: mirror, differences: [] });
  });

  it.each([
    ['no pod', [], 'with UID uid-1', 'none'],
    ['another pod', [{ ...pod, uid: 'uid-2' }], 'with UID uid-1', 'one with UID uid-2'],
  ])('differs with %s, of which no annotation counts', (_, pods, expected, found) => {
    const what = 'pod shop/web-0';
    expect(recordedNic(net1, podsWith(...pods))).toEqual({
      differences: [{ code: 110, what, expected, found }],
    });
  });

  it('differs where an annotation is missing or wrong', () => {
    const differencesWith = (changes: Record<string, string | undefined>) => {
      const annotations = under(ATTACHED, { ...WRITTEN, ...changes });
      const { pod: known, nic, differences } = recordedNic(net1, podsWith({ ...pod, annotations }));
      expect([known?.uid, nic]).toEqual(['uid-1', undefined]);
      return differences;
    };
    expect(differencesWith({ allocated: undefined, cidr: undefined })).toMatchObject([
      { expected: expect.stringContaining(`${ATTACHED}.kubernetes.io/ip_address`), found: 'none' },
    ]);
    expect(differencesWith({ mac_address: 'fast' })).toMatchObject([
      { found: `annotation ${ATTACHED}.kubernetes.io/mac_address is wrong: "fast"` },
    ]);
  });
});
