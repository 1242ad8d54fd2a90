import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { pod, setUp, setUpStarted } from './support.ts';

/** One listener is the test's own, see support.ts. */
const OWN = 1;

describe('until', () => {
  it('gives a result that is there already, and never subscribes', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    const { signal } = new AbortController();
    expect(await all.cache.until(() => all.cache.get('default/a')?.name, signal)).toBe('a');
    expect(all.cache.subscriberCount).toBe(OWN);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('waits for the change that brings one, and leaves nothing behind', async () => {
    await using all = await setUpStarted();
    const { signal } = new AbortController();
    const color = all.cache.until(() => {
      const value = all.cache.get('default/a')?.color;
      return value === 'blue' ? value : undefined;
    }, signal);
    expect(all.cache.subscriberCount).toBe(OWN + 1);
    all.server.create(pod('a'));
    all.server.patch('Pod', 'default/a', { metadata: { labels: { color: 'blue' } } });
    expect(await color).toBe('blue');
    expect(all.cache.subscriberCount).toBe(OWN);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('takes null, 0, false and the empty string for results', async () => {
    await using all = await setUp();
    const { signal } = new AbortController();
    for (const result of [null, 0, false, '']) {
      expect(await all.cache.until(() => result, signal)).toBe(result);
    }
  });

  it('is evaluated after the first list, also of an empty collection', async () => {
    await using all = await setUp();
    const signal = AbortSignal.timeout(2_000);
    const synced = all.cache.until(() => (all.cache.isSynced ? all.cache.size : undefined), signal);
    all.cache.start();
    expect(await synced).toBe(0);
  });

  it('sees a list that changes much as one change', async () => {
    await using all = await setUp({ pods: ['a', 'b', 'c'] });
    const sizes: number[] = [];
    const { signal } = new AbortController();
    const waiting = all.cache.until(() => {
      sizes.push(all.cache.size);
      return all.cache.size > 0 ? true : undefined;
    }, signal);
    all.cache.start();
    await waiting;
    expect(sizes).toEqual([0, 3]);
  });

  it('rejects with the reason of a signal that was aborted before, without evaluating', async () => {
    await using all = await setUp();
    const reason = new Error('too late');
    const evaluate = () => {
      throw new Error('evaluated');
    };
    await expect(all.cache.until(evaluate, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(all.cache.subscriberCount).toBe(OWN);
  });

  it('rejects with the reason of the abort, and leaves nothing behind', async () => {
    await using all = await setUpStarted();
    const controller = new AbortController();
    const waiting = all.cache.until(() => undefined, controller.signal);
    const reason = new Error('no more time');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(all.cache.subscriberCount).toBe(OWN);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('rejects with what evaluate throws, now or later, and leaves nothing behind', async () => {
    await using all = await setUpStarted();
    const { signal } = new AbortController();
    const gone = new Error('the pod is gone');
    const now = all.cache.until(() => {
      throw gone;
    }, signal);
    await expect(now).rejects.toBe(gone);
    const later = all.cache.until(() => {
      if (all.cache.size > 0) throw gone;
      return undefined;
    }, signal);
    all.server.create(pod('a'));
    await expect(later).rejects.toBe(gone);
    expect(all.cache.subscriberCount).toBe(OWN);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('serves a hundred waits at a time, and none is left over', async () => {
    await using all = await setUpStarted();
    const { signal } = new AbortController();
    const names = Array.from({ length: 100 }, (_, index) => `pod-${index}`);
    const waits = names.map((name) =>
      all.cache.until(() => all.cache.get(`default/${name}`), signal),
    );
    expect(all.cache.subscriberCount).toBe(OWN + 100);
    for (const name of names.toReversed()) all.server.create(pod(name));
    const found = await Promise.all(waits);
    expect(found.map(({ name }) => name)).toEqual(names);
    expect(all.cache.subscriberCount).toBe(OWN);
  });
});
