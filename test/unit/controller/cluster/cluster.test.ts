/** What the controller waits for before it begins. */
import { expect, it } from 'vitest';
import { shortLimits } from '../../common/kubernetes/support.ts';
import { setUpCluster } from '../support.ts';

const path = '/apis/kubeovn.io/v1/vpcs';

it('does without a kind that the server fails to list, names it, and follows it later', async () => {
  await using all = await setUpCluster([], {}, shortLimits);
  const mend = all.server.faults.fail(500, { verb: 'list', path });
  all.cluster.start();
  await all.cluster.synced;
  expect(all.cluster.vpcs.isSynced).toBe(false);
  expect(all.cluster.lacks().map(({ message }) => message)).toEqual([
    'the API server has not listed vpcs.kubeovn.io so far',
  ]);
  const isThere = new Promise<void>((resolve) => {
    all.cluster.onAvailability(() => resolve());
  });
  mend();
  await isThere;
  expect(all.cluster.vpcs.isSynced).toBe(true);
  expect(all.cluster.lacks()).toEqual([]);
});

it('does without none while a kind that it needs has not been listed', async () => {
  await using all = await setUpCluster([], {}, shortLimits);
  const mend = all.server.faults.fail(500, { verb: 'list' });
  let isSettled = false;
  void all.cluster.vpcs.settled.then(() => {
    isSettled = true;
  });
  all.cluster.start();
  await all.server.requests.waitFor({ verb: 'list', path }, 12);
  expect(isSettled).toBe(false);
  mend();
  await all.cluster.synced;
  expect(all.cluster.vpcs.isSynced).toBe(true);
});
