/** What a WatchCache survives. "Without a list" says that the outage costs the server little. */
import { describe, expect, it } from 'vitest';
import {
  PODS,
  pod,
  type SetUp,
  setUp,
  setUpStarted,
  shortLimits,
  steady,
} from '../../../unit/common/kubernetes/support.ts';

function lists({ server }: SetUp): number {
  return server.requests.count({ verb: 'list', path: PODS });
}

function watches({ server }: SetUp): number {
  return server.requests.count({ verb: 'watch', path: PODS });
}

/** Changes that the open watch never shows; the next one can, unless they are forgotten too. */
function missed({ server }: SetUp, change: () => void): void {
  server.watches.muteAll();
  change();
}

describe('a WatchCache survives', () => {
  it('a connection reset: goes on from where it was, without a list', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    await steady();
    missed(all, () => all.server.create(pod('b')));
    all.server.resetConnections();
    await all.sees('b', 'red');
    expect(lists(all)).toBe(1);
    await all.log.waitForCount(2);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });

  it('many resets in a row, and misses nothing', async () => {
    await using all = await setUpStarted();
    for (let round = 0; round < 10; round++) {
      all.server.create(pod(`pod-${round}`));
      all.server.resetConnections();
      await all.server.watches.waitForCount(0);
      await all.server.watches.waitForCount(1);
    }
    await all.sees('pod-9', 'red');
    expect(all.cache.size).toBe(10);
    expect(lists(all)).toBe(1);
  });

  it('HTTP 503 for lists and watches: one line when it begins, one when it is over', async () => {
    await using all = await setUp({ pods: ['a'] });
    all.server.faults.failNext(3, 503, { verb: 'list' });
    all.server.faults.failNext(3, 503, { verb: 'watch' });
    all.cache.start();
    await all.sees('a', 'red');
    await all.log.waitForCount(2);
    expect(lists(all)).toBe(4);
    expect(watches(all)).toBe(4);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.fields.reason).toContain(PODS);
    expect(all.log.lines[0]?.fields.reason).toContain('503 ServiceUnavailable');
    expect(all.log.lines[1]?.fields.durationMs).toBeGreaterThanOrEqual(20);
  });

  it('a long 503 with growing pauses, and starts anew with short ones', async () => {
    await using all = await setUpStarted({ limits: { backoffFirstMs: 20, backoffMaxMs: 10_000 } });
    await steady();
    all.server.faults.failAll(503);
    all.server.resetConnections();
    const beganAt = performance.now();
    await all.server.requests.waitFor({ verb: 'watch' }, 1 + 6);
    // The pauses before are at least half of 20, 40, … 640 ms; the next is of 640 to 1280, and one that
    // went on growing would be of 1280 to 2560.
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(600);
    all.server.faults.failAll(undefined);
    await all.server.watches.waitForCount(1);
    await steady();
    all.server.resetConnections();
    await all.server.watches.waitForCount(0);
    const againAt = performance.now();
    await all.server.watches.waitForCount(1);
    expect(performance.now() - againAt).toBeLessThan(1200);
  });

  it('410 as HTTP status: lists again', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    missed(all, () => all.server.create(pod('b')));
    all.server.faults.failNext(1, 410, { verb: 'watch' });
    all.server.watches.endAll();
    await all.sees('b', 'red');
    expect(lists(all)).toBe(2);
  });

  it('410 as an event: lists again, and finds what was added, changed and deleted', async () => {
    await using all = await setUpStarted({ pods: ['a', 'b', 'c'] });
    all.changes.length = 0;
    missed(all, () => {
      all.server.delete('Pod', 'default/a', { gracePeriodSeconds: 0 });
      all.server.patch('Pod', 'default/b', { metadata: { labels: { color: 'blue' } } });
      all.server.create(pod('d'));
    });
    all.server.compact();
    all.server.watches.endAll();
    await all.sees('d', 'red');
    expect(all.changes).toEqual([
      'deleted default/a red',
      'updated default/b blue',
      'added default/d red',
    ]);
    expect(lists(all)).toBe(2);
    all.server.create(pod('e'));
    await all.sees('e', 'red');
  });

  it('410 at the end of a long outage: lists again without another long pause', async () => {
    await using all = await setUpStarted({ limits: { backoffFirstMs: 20, backoffMaxMs: 10_000 } });
    const { requests, faults } = all.server;
    await steady();
    faults.failAll(503);
    all.server.resetConnections();
    // The pauses before were of up to 20, 40, … 640 ms; the one after the next attempt would be of
    // 1280 to 2560 ms.
    await requests.waitFor({ verb: 'watch' }, 1 + 7);
    all.server.create(pod('a'));
    all.server.compact();
    faults.failAll(undefined);
    await requests.waitFor({ verb: 'watch' }, 1 + 8);
    const refusedAt = performance.now();
    await requests.waitFor({ verb: 'list' }, 2);
    expect(performance.now() - refusedAt).toBeLessThan(1200);
  });

  it('410 for ever: with growing pauses', async () => {
    await using all = await setUpStarted({ limits: { backoffFirstMs: 20, backoffMaxMs: 640 } });
    await steady();
    all.server.faults.failAll(410);
    all.server.resetConnections();
    const beganAt = performance.now();
    await all.server.requests.waitFor({}, 2 + 6);
    // The pauses before are at least half of 20, 40, 80, 160 and 320 ms.
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(300);
  });

  it.each(['resumed', 'listed'])(
    'a pod replaced meanwhile (%s): deleted, then added',
    async (how) => {
      await using all = await setUpStarted({ pods: ['a'] });
      const uid = all.cache.get('default/a')?.uid;
      all.changes.length = 0;
      missed(all, () => {
        all.server.delete('Pod', 'default/a', { gracePeriodSeconds: 0 });
        all.server.create(pod('a', 'blue'));
      });
      if (how === 'listed') all.server.compact();
      all.server.resetConnections();
      await all.sees('a', 'blue');
      expect(all.changes).toEqual(['deleted default/a red', 'added default/a blue']);
      expect(all.cache.get('default/a')?.uid).not.toBe(uid);
    },
  );

  it('a silent watch: opens another one after the limit, without a list or a line', async () => {
    await using all = await setUpStarted({ limits: { inactivityMs: 200 } });
    missed(all, () => all.server.create(pod('a')));
    await all.sees('a', 'red');
    expect(lists(all)).toBe(1);
    expect(watches(all)).toBe(2);
    expect(all.log.lines).toEqual([]);
  });

  it('a server that falls silent altogether, and comes back', async () => {
    await using all = await setUpStarted({ limits: { inactivityMs: 150 } });
    all.server.silence();
    all.server.create(pod('a'));
    await all.log.waitForCount(1);
    expect(all.log.lines[0]?.fields.reason).toContain('no answer within 150 ms');
    expect(all.cache.msSinceContact).toBeGreaterThanOrEqual(150);
    all.server.resume();
    await all.sees('a', 'red');
    expect(lists(all)).toBe(1);
  });

  it('a server that is silent from the start', async () => {
    await using all = await setUp({ pods: ['a'], limits: { listTimeoutMs: 100 } });
    all.server.silence();
    all.cache.start();
    await all.server.requests.waitFor({ verb: 'list' }, 2);
    expect(all.cache.isSynced).toBe(false);
    all.server.resume();
    await all.sees('a', 'red');
  });

  it('a watch that ends as it should: opens the next one at once, without a list or a line', async () => {
    await using all = await setUpStarted();
    await steady();
    missed(all, () => all.server.create(pod('a')));
    all.server.watches.endAll();
    await all.sees('a', 'red');
    expect(lists(all)).toBe(1);
    expect(watches(all)).toBe(2);
    expect(all.log.lines).toEqual([]);
  });

  it('a server that closes every watch at once: no tight loop, and changes still arrive', async () => {
    // A busy machine may see the end of a watch long after its beginning.
    const limits = { ...shortLimits, steadyMs: 600 };
    await using all = await setUpStarted({ limits });
    await steady(limits);
    all.server.watches.closeAtOnce(true);
    all.server.watches.endAll();
    const beganAt = performance.now();
    await all.server.requests.waitFor({ verb: 'watch' }, 1 + 8);
    // One at once, and then pauses of at least half of 10, 20, 40 and four times 80 ms.
    expect(performance.now() - beganAt).toBeGreaterThanOrEqual(190);
    all.server.create(pod('a'));
    await all.sees('a', 'red');
    expect(lists(all)).toBe(1);
    expect(all.log.levels).toEqual(['warn']);
    all.server.watches.closeAtOnce(false);
    await all.log.waitForCount(2);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });

  it('a server that is not there yet', async () => {
    await using all = await setUp({ pods: ['a'] });
    await all.server.close();
    let isSynced = false;
    void all.cache.synced.then(() => {
      isSynced = true;
    });
    all.cache.start();
    await all.log.waitForCount(1);
    expect(all.log.lines[0]?.fields.reason).toContain('ECONNREFUSED');
    await steady();
    expect(isSynced).toBe(false);
    await all.server.start();
    await all.sees('a', 'red');
    await all.cache.synced;
    await all.log.waitForCount(2);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });

  it('a server that restarts', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    await steady();
    await all.server.close();
    all.server.create(pod('b'));
    await all.log.waitForCount(1);
    expect(all.cache.get('default/a')?.color).toBe('red');
    await all.server.start();
    await all.sees('b', 'red');
    expect(lists(all)).toBe(1);
  });

  it('a token that is refused for a while', async () => {
    await using all = await setUpStarted({ token: 'old' });
    all.server.setToken('new');
    all.server.create(pod('a'));
    all.server.resetConnections();
    await all.log.waitForCount(1);
    await all.server.requests.waitFor({ verb: 'watch' }, 4);
    all.server.setToken('old');
    await all.sees('a', 'red');
    expect(lists(all)).toBe(1);
  });
});

describe('a WatchCache that is told nonsense', () => {
  it('ignores a line that is no JSON', async () => {
    await using all = await setUpStarted();
    all.server.watches.sendLine('<html>{"type":');
    all.server.create(pod('a'));
    await all.sees('a', 'red');
    expect(watches(all)).toBe(1);
  });

  it.each([
    ['an event without an object', '{"type":"ADDED"}'],
    ['an object without metadata', '{"type":"MODIFIED","object":{}}'],
    ['metadata without a version', '{"type":"ADDED","object":{"metadata":{"name":"x","uid":"1"}}}'],
    ['a bookmark without a version', '{"type":"BOOKMARK","object":{"metadata":{}}}'],
    [
      'an unknown type',
      '{"type":"GONE","object":{"metadata":{"name":"x","uid":"1","resourceVersion":"1"}}}',
    ],
    ['an error without a code', '{"type":"ERROR","object":null}'],
    [
      'an error other than 410',
      '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}}',
    ],
  ])('lists again after %s', async (_what, line) => {
    await using all = await setUpStarted({ pods: ['a'] });
    all.server.watches.sendLine(line);
    await all.server.requests.waitFor({ verb: 'list' }, 2);
    all.server.create(pod('b'));
    await all.sees('b', 'red');
    expect(all.cache.size).toBe(2);
  });
});

describe('bookmarks', () => {
  it('move the version from which a watch goes on', async () => {
    await using all = await setUpStarted();
    // A change of another kind: it moves the server's version, but is no event of ours.
    all.server.create({ kind: 'Node', metadata: { name: 'node-2' } });
    const { resourceVersion } = all.server.get('Node', 'node-2').metadata;
    all.server.watches.sendBookmarks();
    all.server.compact();
    all.server.watches.endAll();
    await all.server.requests.waitFor({ verb: 'watch' }, 2);
    expect(all.server.requests.matching({ verb: 'watch' })[1]?.query).toMatchObject({
      resourceVersion,
    });
    expect(lists(all)).toBe(1);
  });
});
