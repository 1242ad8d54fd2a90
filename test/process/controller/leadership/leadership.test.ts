import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  Election,
  endOf,
  isPending,
  LEASE,
  LEASES,
  leads,
  microTime,
  refusalOf,
  shortTimes,
} from './support.ts';

describe.concurrent('the Lease', () => {
  it('of a new cluster is created as client-go would, for a holder no Go controller can be', async () => {
    await using election = await Election.start();
    const { leadership } = await election.contend('pod-a');
    expect(leads(await leadership)).toBe(true);
    const { holderIdentity, acquireTime, renewTime, ...rest } = election.spec;
    expect(rest).toEqual({ leaseDurationSeconds: 600, leaseTransitions: 0 });
    expect(holderIdentity).toMatch(/^kube-ovn-ts\/pod-a\/[0-9a-f-]{36}$/);
    expect(Math.abs(Date.parse(String(renewTime)) - Date.now())).toBeLessThan(5_000);
    expect(acquireTime).toBeDefined();
  });

  it('is renewed, and says since when it is held', async () => {
    await using election = await Election.start();
    const { leadership } = await election.contend('pod-a');
    await leadership;
    const { acquireTime } = election.spec;
    await election.renewals(3);
    expect(election.spec).toMatchObject({ acquireTime, leaseTransitions: 0 });
  });

  it('is only read, watched, created and patched: Kube-OVN grants no more', async () => {
    await using election = await Election.start();
    const first = await election.contend('pod-a');
    await (await first.leadership).release();
    const second = await election.contend('pod-b');
    await second.leadership;
    await election.renewals(1);
    const asked = election.server.requests.all.map(({ verb, path }) => `${verb} ${path}`);
    expect(new Set(asked)).toEqual(
      new Set([`get ${LEASE}`, `watch ${LEASES}`, `create ${LEASES}`, `patch ${LEASE}`]),
    );
  });

  it('keeps what others wrote beside it', async () => {
    await using election = await Election.start();
    election.write({});
    const key = 'kube-system/kube-ovn-controller';
    election.server.patch('Lease', key, { metadata: { labels: { team: 'net' } } });
    await (await election.contend('pod-a')).leadership;
    expect(election.lease.metadata.labels).toEqual({ team: 'net' });
  });
});

describe.concurrent('a controller that stands by', () => {
  it('takes the Lease at once when it is released', async () => {
    await using election = await Election.start();
    const first = await election.contend('pod-a');
    const leading = await first.leadership;
    const second = await election.contend('pod-b');
    expect(await isPending(second.leadership, 200)).toBe(true);
    await leading.release();
    expect(leads(leading)).toBe(false);
    expect((await endOf(leading)).reason).toBe('released');
    expect(leads(await second.leadership)).toBe(true);
    expect(election.spec.leaseTransitions).toBe(1);
  });

  it('waits for as long as the Lease is renewed, and takes it when it has expired', async () => {
    await using election = await Election.start();
    const first = await election.contend('pod-a', shortTimes);
    const leading = await first.leadership;
    const second = await election.contend('pod-b');
    expect(await isPending(second.leadership, 1_600)).toBe(true);
    first.line.cut();
    const { message, reason } = await endOf(leading);
    expect(reason).toBe('lost');
    expect(message).toContain('was not renewed for 0.6 s');
    expect(await isPending(second.leadership, 0)).toBe(true);
    expect(leads(await second.leadership)).toBe(true);
    expect(election.spec.holderIdentity).toContain('pod-b');
  });

  it.each([
    ['a past', '2001-01-01T00:00:00.000000Z'],
    ['a future', '2101-01-01T00:00:00.000000Z'],
  ])('does not care for a holder whose clock is in %s century', async (_which, renewTime) => {
    await using election = await Election.start();
    const holderIdentity = 'kube-ovn-ts/pod-x/1';
    election.write({ holderIdentity, leaseDurationSeconds: 2, renewTime, acquireTime: renewTime });
    const beganAt = performance.now();
    const { leadership } = await election.contend('pod-a');
    expect(await isPending(leadership, 1_000)).toBe(true);
    await leadership;
    expect(performance.now() - beganAt).toBeGreaterThan(1_990);
  });

  it('takes it where it says neither holder nor duration, and not at once without a duration', async () => {
    await using election = await Election.start();
    election.write({ renewTime: microTime() });
    await (await (await election.contend('pod-a')).leadership).release();
    election.write({ holderIdentity: 'kube-ovn-ts/pod-x/1', leaseDurationSeconds: null });
    const { leadership } = await election.contend('pod-b', shortTimes);
    expect(await isPending(leadership, 700)).toBe(true);
    await leadership;
  });

  it('waits for a Lease to expire that was deleted under its holder', async () => {
    await using election = await Election.start();
    election.write({ holderIdentity: 'kube-ovn-ts/pod-x/1', leaseDurationSeconds: 2 });
    const { leadership } = await election.contend('pod-a');
    await election.server.watches.waitForCount(1);
    await sleep(300);
    election.deleteLease();
    expect(await isPending(leadership, 1_000)).toBe(true);
    await leadership;
    expect(election.spec.leaseTransitions).toBe(0);
  });

  it('sees what happened while it was cut off', async () => {
    await using election = await Election.start();
    const first = await election.contend('pod-a');
    const second = await election.contend('pod-b');
    await first.leadership;
    await election.server.watches.waitForCount(1);
    second.line.cut();
    await election.server.watches.waitForCount(0);
    await (await first.leadership).release();
    second.line.restore();
    expect(leads(await second.leadership)).toBe(true);
    const warnings = second.log.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('cannot be watched or taken'),
    ]);
  });

  it('tells an outage once, however long it is', async () => {
    await using election = await Election.start();
    const first = await election.contend('pod-a', shortTimes);
    const leading = await first.leadership;
    const second = await election.contend('pod-b', shortTimes);
    await election.server.watches.waitForCount(1);
    for (const { line } of [first, second]) line.cut();
    // The Lease that it saw expires meanwhile, so that it tries to take it, too.
    await endOf(leading);
    await sleep(3_000);
    const [, ...told] = second.log.lines.map(({ message }) => message);
    const lost = 'the Lease cannot be watched or taken, trying again';
    expect(told.at(-1)).toBe(lost);
    // On a busy machine a request took too long before that: an outage of its own, with its end.
    expect(told.filter((message, index) => message === told[index - 1])).toEqual([]);
    second.line.restore();
    expect(leads(await second.leadership)).toBe(true);
  });

  it('leads at once when it has taken the Lease and the answer was lost', async () => {
    await using election = await Election.start();
    const { leadership, line } = await election.contend('pod-a');
    // Before the answer is on its way.
    const stop = election.server.onChange('Lease', () => {
      stop();
      line.cut();
    });
    await election.until(({ holderIdentity }) => String(holderIdentity).includes('pod-a'));
    line.restore();
    expect(leads(await leadership)).toBe(true);
    expect(election.spec.leaseTransitions).toBe(0);
  });

  it('is not taken in by a watch that brings nothing any more', async () => {
    await using election = await Election.start();
    election.write({ holderIdentity: 'kube-ovn-ts/pod-x/1', leaseDurationSeconds: 1 });
    const { leadership } = await election.contend('pod-a');
    await election.server.watches.waitForCount(1);
    election.server.watches.muteAll();
    await sleep(500);
    election.write({ renewTime: microTime() });
    await election.server.requests.waitFor({ verb: 'patch' }, 1);
    expect(await isPending(leadership, 500)).toBe(true);
    expect(leads(await leadership)).toBe(true);
  });

  it('ends when it is told to, and leaves nothing behind', async () => {
    await using election = await Election.start();
    election.write({ holderIdentity: 'kube-ovn-ts/pod-x/1', leaseDurationSeconds: 600 });
    const { leadership, stop } = await election.contend('pod-a');
    await election.server.watches.waitForCount(1);
    stop();
    await expect(leadership).rejects.toMatchObject({ name: 'AbortError' });
    await election.server.watches.waitForCount(0);
    expect(election.spec.holderIdentity).toBe('kube-ovn-ts/pod-x/1');
  });

  it('that is told to end while it takes the Lease releases it', async () => {
    await using election = await Election.start();
    const { leadership, stop } = await election.contend('pod-a');
    election.server.onChange('Lease', () => stop());
    await expect(leadership).rejects.toMatchObject({ name: 'AbortError' });
    expect(election.spec.holderIdentity).toBeUndefined();
  });
});

describe.concurrent('two that want a free Lease at once', () => {
  it('do not both get it', async () => {
    await using election = await Election.start();
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => election.contend(name)));
    const terms: unknown[] = [];
    for (const { leadership } of all)
      leadership.then(
        (term) => terms.push(term),
        () => {},
      );
    await Promise.race(all.map(({ leadership }) => leadership));
    await election.renewals(5);
    expect(terms).toHaveLength(1);
    for (const { log } of all)
      expect(log.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });
});

describe.concurrent('the leader', () => {
  it('loses the Lease to whoever has written it', async () => {
    await using election = await Election.start();
    const leading = await (await election.contend('pod-a')).leadership;
    election.write({ holderIdentity: 'kube-ovn-ts/pod-x/1' });
    const { reason, message } = await endOf(leading);
    expect(reason).toBe('lost');
    expect(message).toContain('"kube-ovn-ts/pod-x/1" holds it');
    expect(election.spec.holderIdentity).toBe('kube-ovn-ts/pod-x/1');
    await leading.release();
    expect(election.spec.holderIdentity).toBe('kube-ovn-ts/pod-x/1');
  });

  it('keeps a Lease that somebody wrote on, or deleted', async () => {
    await using election = await Election.start();
    const leading = await (await election.contend('pod-a')).leadership;
    const key = 'kube-system/kube-ovn-controller';
    election.server.patch('Lease', key, { metadata: { annotations: { note: 'x' } } });
    await election.renewals(2);
    const { uid } = election.lease.metadata;
    election.deleteLease();
    await election.until(({ holderIdentity }) => String(holderIdentity).includes('pod-a'));
    await election.renewals(2);
    expect(election.lease.metadata.uid).not.toBe(uid);
    expect(leads(leading)).toBe(true);
  });

  it.each([409, 429, 500, 503])('survives some answers %i to its renewals', async (status) => {
    await using election = await Election.start();
    const { leadership, log } = await election.contend('pod-a');
    const leading = await leadership;
    election.server.faults.failNext(3, status, { verb: 'patch', path: LEASE });
    await election.renewals(3);
    expect(leads(leading)).toBe(true);
    const told = log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(told).toEqual([expect.stringContaining('cannot be renewed')]);
    expect(log.lines.at(-1)?.message).toBe('the Lease is renewed again');
  });

  it('survives renewals whose answers are lost, and goes on from what they wrote', async () => {
    await using election = await Election.start();
    const { leadership, line } = await election.contend('pod-a');
    const leading = await leadership;
    line.holdAnswers();
    await election.renewals(1);
    line.cut();
    line.restore();
    await election.renewals(3);
    expect(leads(leading)).toBe(true);
  });

  it.each(['hold', 'holdAnswers', 'cut'] as const)(
    'ends before its lease does when its line is disturbed: %s',
    async (fault) => {
      await using election = await Election.start();
      const { leadership, line } = await election.contend('pod-a', shortTimes);
      const leading = await leadership;
      const next = await election.contend('pod-b');
      await election.renewals(1);
      line[fault]();
      await endOf(leading);
      expect(election.spec.holderIdentity).toContain('pod-a');
      await next.leadership;
    },
  );

  it('keeps the Lease where its connection dies in silence: it renews over another one', async () => {
    await using election = await Election.start();
    const times = { leaseSeconds: 30, renewDeadlineMs: 15_000, renewEveryMs: 100 };
    const { leadership, line } = await election.contend('pod-a', times);
    const leading = await leadership;
    await election.renewals(1);
    line.lose();
    await election.renewals(2);
    expect(leads(leading)).toBe(true);
  });

  it('gives the Lease back though its last renewal had no answer', async () => {
    await using election = await Election.start();
    const { leadership, line } = await election.contend('pod-a');
    const leading = await leadership;
    line.holdAnswers();
    await election.renewals(1);
    line.cut();
    line.restore();
    await leading.release();
    expect(election.spec.holderIdentity).toBeUndefined();
    expect(election.spec.leaseDurationSeconds).toBe(1);
  });

  it('ends also where it cannot give the Lease back', async () => {
    await using election = await Election.start();
    const { leadership, line, log } = await election.contend('pod-a');
    const leading = await leadership;
    line.cut();
    await leading.release();
    expect(leads(leading)).toBe(false);
    expect(log.lines.at(-1)).toMatchObject({ level: 'warn' });
  });
});

describe('a leader that could not run for a while', () => {
  it('has ended as soon as its time is up, though no timer could say so', async () => {
    await using election = await Election.start();
    const leading = await (await election.contend('pod-a', shortTimes)).leadership;
    // As a process that is stopped, or collects garbage for very long.
    const until = performance.now() + 700;
    while (performance.now() < until);
    expect(leading.lost.aborted).toBe(false);
    expect(() => leading.throwIfLost()).toThrow('was not renewed for 0.6 s');
    expect(leading.lost.aborted).toBe(true);
  });
});

describe.concurrent('beside the Go controller, this one', () => {
  it('refuses to start when it sees the Lease renewed, and says by whom', async () => {
    await using election = await Election.start();
    election.goHolds('kube-ovn-controller-7c9d5b6f4-x2x7k', 30);
    const contender = await election.contend('pod-a');
    // Whether that is alive nobody can know yet.
    expect(await isPending(contender.leadership, 300)).toBe(true);
    await election.server.watches.waitForCount(1);
    await sleep(2);
    election.goHolds('kube-ovn-controller-7c9d5b6f4-x2x7k', 30);
    const error = await refusalOf(contender);
    expect(error.reason).toBe('heldByAnotherKind');
    expect(error.message).toContain('"kube-ovn-controller-7c9d5b6f4-x2x7k"');
    expect(error.message).toContain(LEASE);
    expect(error.details).toContain('scale');
    expect(election.server.requests.count({ verb: 'patch' })).toBe(0);
    await election.server.watches.waitForCount(0);
  });

  it('refuses to go on standing by when it sees it take the Lease', async () => {
    await using election = await Election.start();
    election.write({ holderIdentity: 'kube-ovn-ts/pod-x/1', leaseDurationSeconds: 600 });
    const contender = await election.contend('pod-a');
    await election.server.watches.waitForCount(1);
    await sleep(200);
    election.goHolds();
    expect((await refusalOf(contender)).reason).toBe('heldByAnotherKind');
  });

  it('takes a Lease that it left behind, when that has expired', async () => {
    await using election = await Election.start();
    election.goHolds('kube-ovn-controller-7c9d5b6f4-x2x7k', 2);
    const { leadership } = await election.contend('pod-a');
    expect(await isPending(leadership, 1_500)).toBe(true);
    expect(leads(await leadership)).toBe(true);
  });

  it('takes a Lease that it has released, at once', async () => {
    await using election = await Election.start();
    election.goHolds('kube-ovn-controller-7c9d5b6f4-x2x7k', 600);
    const { leadership } = await election.contend('pod-a');
    await election.server.watches.waitForCount(1);
    await sleep(200);
    election.goReleases();
    expect(leads(await leadership)).toBe(true);
  });
});
