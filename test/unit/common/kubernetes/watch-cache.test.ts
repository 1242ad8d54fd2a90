import { describe, expect, it } from 'vitest';
import { type Change, WatchCache } from '../../../../src/common/kubernetes/watch-cache.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import {
  configOf,
  type Kept,
  PODS,
  pod,
  project,
  RecordingLog,
  setUp,
  setUpStarted,
} from './support.ts';

describe('WatchCache', () => {
  it('shows what there was before it began', async () => {
    await using all = await setUpStarted({ pods: ['a', 'b'] });
    expect(all.cache.size).toBe(2);
    expect([...all.cache.values()].map(({ name }) => name).sort()).toEqual(['a', 'b']);
    expect(all.cache.get('default/a')?.color).toBe('red');
    expect(all.changes).toEqual(['added default/a red', 'added default/b red']);
  });

  it('is not synced before its first list, and is then also without any object', async () => {
    await using all = await setUp();
    expect(all.cache.isSynced).toBe(false);
    expect(all.cache.msSinceContact).toBe(Number.POSITIVE_INFINITY);
    all.cache.start();
    await all.cache.synced;
    expect(all.cache.isSynced).toBe(true);
    expect(all.cache.size).toBe(0);
    expect(all.cache.msSinceContact).toBeLessThan(4_000);
  });

  it('delivers changes in order, an update with the value before', async () => {
    await using all = await setUpStarted();
    const updates: Change<Kept>[] = [];
    all.cache.onChange((change) => updates.push(change));
    all.server.create(pod('a'));
    all.server.patch('Pod', 'default/a', { metadata: { labels: { color: 'blue' } } });
    await all.sees('a', 'blue');
    all.server.delete('Pod', 'default/a', { gracePeriodSeconds: 0 });
    await all.sees('a', undefined);
    expect(all.changes).toEqual([
      'added default/a red',
      'updated default/a blue',
      'deleted default/a blue',
    ]);
    expect(updates[1]?.previous?.color).toBe('red');
    expect(updates[2]).not.toHaveProperty('previous');
    expect(all.cache.size).toBe(0);
  });

  it('keys objects without a namespace by their name', async () => {
    await using all = await setUp();
    all.server.create({ kind: 'Subnet', metadata: { name: 'join' }, spec: {} });
    const path = '/apis/kubeovn.io/v1/subnets';
    const subnets = new WatchCache({ config: configOf(all.server), path, project, log: all.log });
    subnets.start();
    await subnets.synced;
    expect(subnets.get('join')?.name).toBe('join');
    subnets.stop();
  });

  it('applies its selectors to list and watch', async () => {
    const fieldSelector = 'spec.nodeName=node-1';
    await using all = await setUpStarted({
      pods: ['here'],
      fieldSelector,
      labelSelector: 'color=red',
    });
    all.server.create({ ...pod('elsewhere'), spec: { nodeName: 'node-2' } });
    all.server.create(pod('blue', 'blue'));
    all.server.patch('Pod', 'default/here', { metadata: { labels: { color: 'green' } } });
    await all.sees('here', undefined);
    expect(all.changes).toEqual(['added default/here red', 'deleted default/here red']);
  });

  it('starts only once', async () => {
    await using all = await setUpStarted();
    expect(() => all.cache.start()).toThrow('starts only once');
  });

  it('asks for a first list of any version, with pages of the given size', async () => {
    await using all = await setUpStarted();
    const [first] = all.server.requests.matching({ verb: 'list' });
    expect(first?.query).toEqual({ resourceVersion: '0', limit: '500' });
    const [watch] = all.server.requests.matching({ verb: 'watch' });
    expect(watch?.query.allowWatchBookmarks).toBe('true');
    expect(Number(watch?.query.timeoutSeconds)).toBeGreaterThanOrEqual(48);
    expect(Number(watch?.query.timeoutSeconds)).toBeLessThanOrEqual(60);
  });

  it('reads a long list page by page, as of one moment', async () => {
    const pods = ['a', 'b', 'c', 'd', 'e'];
    await using all = await setUpStarted({ pods, limits: { pageSize: 2 } });
    // Makes the cache list again: what it missed is forgotten.
    all.server.watches.muteAll();
    all.server.create(pod('f'));
    all.server.compact();
    all.server.requests.clear();
    all.server.watches.endAll();
    await all.sees('f', 'red');
    const lists = all.server.requests.matching({ verb: 'list', path: PODS });
    expect(lists.map(({ query }) => query.resourceVersion)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(lists.map(({ query }) => query.continue !== undefined)).toEqual([false, true, true]);
    expect(all.cache.size).toBe(6);
    expect(all.changes.filter((change) => change.startsWith('updated'))).toEqual([]);
  });
});

describe('a listener of a WatchCache', () => {
  it('that throws is logged, and the others are still called', async () => {
    await using all = await setUp();
    const seen: string[] = [];
    all.cache.onChange(() => {
      throw new Error('broken listener');
    });
    all.cache.onChange(({ key }) => seen.push(key));
    all.cache.start();
    await all.server.watches.waitForCount(1);
    all.server.create(pod('a'));
    all.server.create(pod('b'));
    await all.sees('b', 'red');
    expect(seen).toEqual(['default/a', 'default/b']);
    expect(all.log.levels).toEqual(['error', 'error']);
    expect(all.log.lines[0]?.fields).toMatchObject({ key: 'default/a', error: 'broken listener' });
  });

  it('that is async and rejects is logged too', async () => {
    await using all = await setUpStarted();
    // What a careless caller does, against the types.
    const rejects = (() => Promise.reject(new Error('broken promise'))) as () => void;
    all.cache.onChange(rejects);
    all.server.create(pod('a'));
    await all.log.waitForCount(1);
    expect(all.log.lines[0]?.fields).toMatchObject({ error: 'broken promise' });
  });

  it('hears nothing any more after it left, even while changes are delivered', async () => {
    await using all = await setUp({ pods: ['a', 'b'] });
    const seen: string[] = [];
    let leave = () => {};
    all.cache.onChange(() => leave());
    leave = all.cache.onChange(({ key }) => seen.push(key));
    all.cache.start();
    await all.cache.synced;
    expect(seen).toEqual([]);
  });
});

describe('subscriptions of a WatchCache', () => {
  it('are none after everyone has left', async () => {
    await using server = await FakeApiServer.start();
    const log = new RecordingLog();
    const cache = new WatchCache({ config: configOf(server), path: PODS, project, log });
    const listener = () => {};
    const leaves = [cache.onChange(listener), cache.onChange(listener)];
    expect(cache.subscriberCount).toBe(2);
    for (const leave of leaves) leave();
    expect(cache.subscriberCount).toBe(0);
  });
});

describe('an object that cannot be read', () => {
  function projectReadable(raw: unknown): Kept {
    const kept = project(raw);
    if (kept.color === 'unreadable') throw new Error('what color is that?');
    return kept;
  }

  it('stays as it was, is logged, and disturbs no other', async () => {
    await using all = await setUpStarted({ pods: ['a'], project: projectReadable });
    all.server.patch('Pod', 'default/a', { metadata: { labels: { color: 'unreadable' } } });
    all.server.create(pod('b', 'unreadable'));
    all.server.create(pod('c'));
    await all.sees('c', 'red');
    expect(all.cache.get('default/a')?.color).toBe('red');
    expect(all.cache.get('default/b')).toBeUndefined();
    expect(all.log.levels).toEqual(['error', 'error']);
    all.server.patch('Pod', 'default/b', { metadata: { labels: { color: 'blue' } } });
    await all.sees('b', 'blue');
  });

  it('is gone where it replaces another of its name', async () => {
    await using all = await setUpStarted({ pods: ['a'], project: projectReadable });
    all.server.watches.muteAll();
    all.server.delete('Pod', 'default/a', { gracePeriodSeconds: 0 });
    all.server.create(pod('a', 'unreadable'));
    all.server.compact();
    all.server.watches.endAll();
    await all.sees('a', undefined);
    expect(all.changes).toEqual(['added default/a red', 'deleted default/a red']);
  });
});
