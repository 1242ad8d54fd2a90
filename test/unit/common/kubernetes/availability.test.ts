/** Kinds that a cluster does not have, or that we may not read. */
import { describe, expect, it } from 'vitest';
import { PODS, pod, setUp, setUpStarted, steady } from './support.ts';

describe('a kind that does not exist', () => {
  it('is settled and not synced, names itself, and is told in one line', async () => {
    await using all = await setUp();
    all.server.faults.failAll(404);
    all.cache.start();
    await all.cache.settled;
    expect(all.cache.isSynced).toBe(false);
    expect(all.cache.availability).toEqual({ state: 'missing', group: '', resource: 'pods' });
    await all.server.requests.waitFor({ verb: 'list' }, 4);
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.message).toContain('there are no pods in this cluster');
  });

  it('is followed as soon as it does, and that is told', async () => {
    await using all = await setUp({ pods: ['a'] });
    const states: string[] = [];
    all.cache.onAvailability(({ state }) => states.push(state));
    all.server.faults.failNext(3, 404, { verb: 'list' });
    all.cache.start();
    await all.cache.synced;
    expect(all.cache.get('default/a')?.color).toBe('red');
    expect(states).toEqual(['missing', 'synced']);
    expect(all.log.levels).toEqual(['warn', 'info']);
  });
});

describe('a kind that does not exist', () => {
  it('is asked for after pauses of its own, which outages of the server do not have', async () => {
    const limits = { backoffFirstMs: 10, backoffMaxMs: 60_000, missingMaxMs: 20 };
    await using all = await setUp({ pods: ['a'], limits });
    // After pauses as of an outage this would take at least ten seconds.
    all.server.faults.failNext(12, 404, { verb: 'list' });
    all.cache.start();
    await all.cache.synced;
    expect(all.cache.get('default/a')?.color).toBe('red');
  });
});

describe('a kind that we may not read', () => {
  it.each(['list', 'watch'] as const)('names the verb that is missing: %s', async (verb) => {
    await using all = await setUp({ pods: ['a'] });
    all.server.faults.failNext(20, 403, { verb });
    all.cache.start();
    await all.cache.settled;
    await all.server.requests.waitFor({ verb }, 8);
    expect(all.cache.availability).toEqual({
      state: 'forbidden',
      verb,
      group: '',
      resource: 'pods',
    });
    expect(all.cache.isSynced).toBe(verb === 'watch');
    const told = all.log.lines.filter(({ message }) => message.includes('may not be read'));
    expect(told.map(({ fields }) => fields)).toEqual([{ path: PODS, reason: `403 for ${verb}` }]);
    const isBack = new Promise((resolve) => {
      all.cache.onAvailability(({ state }) => state === 'synced' && resolve(state));
    });
    all.server.create(pod('b'));
    await all.sees('b', 'red');
    await isBack;
  });

  it('for a moment only, while the server starts, is an outage like any other', async () => {
    await using all = await setUpStarted({ pods: ['a'] });
    await steady();
    all.server.faults.failNext(3, 403);
    all.server.resetConnections();
    await all.log.waitForCount(2);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.log.lines[0]?.message).toContain('lost touch');
    expect(all.cache.availability.state).toBe('synced');
  });
});

describe('a kind that we may list and not watch', () => {
  it('is listed again and again, told once, and followed when it may be watched', async () => {
    await using all = await setUp({ pods: ['a'], goesUnwatched: true });
    const grant = all.server.faults.fail(403, { verb: 'watch' });
    all.cache.start();
    await all.cache.synced;
    await all.server.requests.waitFor({ verb: 'watch' }, 1);
    all.server.create(pod('b'));
    await all.sees('b', 'red');
    await all.server.requests.waitFor({ verb: 'list' }, 4);
    expect(all.cache.isWatched).toBe(false);
    expect(all.cache.availability.state).toBe('synced');
    expect(all.log.levels).toEqual(['warn']);
    expect(all.log.lines[0]?.message).toContain('pods may not be watched');
    grant();
    await all.log.waitForCount(2);
    expect(all.log.levels).toEqual(['warn', 'info']);
    expect(all.cache.isWatched).toBe(true);
    all.server.create(pod('c'));
    await all.sees('c', 'red');
  });
});

describe('a server that is away', () => {
  it('says nothing about a kind: nobody settles for that', async () => {
    await using all = await setUp();
    all.server.faults.failAll(503);
    all.cache.start();
    let isSettled = false;
    void all.cache.settled.then(() => {
      isSettled = true;
    });
    await all.server.requests.waitFor({ verb: 'list' }, 3);
    expect(isSettled).toBe(false);
    expect(all.cache.availability.state).toBe('pending');
  });
});

describe('a kind that the server cannot list', () => {
  it('is settled after eight attempts while the server lists others, and is followed later', async () => {
    let isServerUp = false;
    await using all = await setUp({ pods: ['a'], isServerUp: () => isServerUp });
    const mend = all.server.faults.fail(500, { verb: 'list' });
    all.cache.start();
    // Those of an outage are not counted.
    await all.server.requests.waitFor({ verb: 'list' }, 10);
    const before = all.server.requests.count({ verb: 'list' });
    isServerUp = true;
    await all.cache.settled;
    // Of the last of those before, the answer may have been on its way.
    expect(all.server.requests.count({ verb: 'list' }) - before).toBeGreaterThanOrEqual(7);
    expect(all.cache.isSynced).toBe(false);
    expect(all.cache.availability).toEqual({ state: 'pending' });
    expect(all.log.levels).toEqual(['warn']);
    mend();
    await all.cache.synced;
    expect(all.cache.get('default/a')?.color).toBe('red');
    expect(all.cache.availability).toEqual({ state: 'synced' });
  });

  it('is settled in the same way where its list is not answered at all', async () => {
    const limits = { listTimeoutMs: 100 };
    await using all = await setUp({ limits, isServerUp: () => true });
    all.server.faults.silence();
    all.cache.start();
    await all.cache.settled;
    expect(all.cache.availability).toEqual({ state: 'pending' });
  });
});
