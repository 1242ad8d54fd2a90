import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import { AttachmentQueue } from '../../../../src/daemon/ownership/attachment-queue.ts';
import { attachmentOf } from '../support.ts';

const eth0 = attachmentOf();
const net1 = attachmentOf({ ifName: 'net1' });

/** Lets everything that can go on go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a change to several attachments', () => {
  const eth1 = attachmentOf({ ifName: 'eth1' });

  it('runs when every earlier call for each of them is done, and later ones wait', async () => {
    const queue = new AttachmentQueue();
    const gates = { eth0: Promise.withResolvers<void>(), net1: Promise.withResolvers<void>() };
    const log: string[] = [];
    const { signal } = new AbortController();
    const earlier = [
      queue.runDel(eth0, () => gates.eth0.promise.then(() => void log.push('DEL of eth0'))),
      queue.runDel(net1, () => gates.net1.promise.then(() => void log.push('DEL of net1'))),
    ];
    const change = queue.runTogether([net1, eth0], async () => {
      await turn();
      return log.push('change');
    });
    await queue.runDel(eth1, async () => void log.push('another'));
    gates.net1.resolve();
    await turn();
    expect(log).toEqual(['another', 'DEL of net1']);
    gates.eth0.resolve();
    await turn();
    const later = [eth0, net1].map((attachment) =>
      queue.runCheck(attachment, signal, async () => log.push('CHECK')),
    );
    await Promise.all([...earlier, ...later]);
    expect(log).toEqual([...['another', 'DEL of net1', 'DEL of eth0', 'change', 'CHECK', 'CHECK']]);
    expect(await change).toBe(4);
  });

  it('takes one turn for an attachment that is named twice, and none where there is none', async () => {
    const queue = new AttachmentQueue();
    expect(await queue.runTogether([eth0, { ...eth0 }], async () => 'once')).toBe('once');
    expect(await queue.runTogether([], async () => 'none')).toBe('none');
  });

  it('that fails fails for its own reason, and lets the next calls run', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    const failing = queue.runTogether([eth0, net1], () => gate.promise);
    const dels = [eth0, net1].map((attachment) => queue.runDel(attachment, async () => {}));
    gate.reject(new Error('OVS is away'));
    await expect(failing).rejects.toThrow('OVS is away');
    await Promise.all(dels);
  });

  it('is waited for by a clean-up, which it does not keep from running', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    const change = queue.runTogether([eth0], () =>
      gate.promise.then(() => void log.push('changed')),
    );
    await turn();
    const cleanUp = queue.runIfIdle(eth0, async () => void log.push('cleaned'));
    await turn();
    gate.resolve();
    expect(await cleanUp).toBe(true);
    await change;
    expect(log).toEqual(['changed', 'cleaned']);
  });

  it('ends no ADD, and a DEL does not end it', async () => {
    const queue = new AttachmentQueue();
    const log: string[] = [];
    using deadline = startDeadline(60_000);
    const add = queue.runAdd(eth0, deadline, () => turn().then(() => void log.push('added')));
    const change = queue.runTogether([eth0], () => turn().then(() => void log.push('changed')));
    await add;
    await queue.runDel(eth0, async () => void log.push('removed'));
    await change;
    expect(log).toEqual(['added', 'changed', 'removed']);
  });

  it('never waits for one that waits for it, nor runs beside one of the same attachment', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const sets = fc.array(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), {
      minLength: 2,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(sets, fc.array(fc.constantFrom(...names)), async (all, single) => {
        const queue = new AttachmentQueue();
        const running = new Set<string>();
        let done = 0;
        const task = (own: readonly string[]) => async () => {
          for (const name of own) {
            expect(running.has(name)).toBe(false);
            running.add(name);
          }
          await turn();
          for (const name of own) running.delete(name);
          done += 1;
        };
        const named = (name: string) => attachmentOf({ ifName: name });
        await Promise.all([
          ...all.map((own) => queue.runTogether(own.map(named), task(own))),
          ...single.map((name) => queue.runDel(named(name), task([name]))),
        ]);
        expect(done).toBe(all.length + single.length);
      }),
    );
  });
});

describe('the question whether an attachment is being added', () => {
  it('is answered by ADDs that run or wait, and by no other call', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    using first = startDeadline(60_000);
    using second = startDeadline(60_000);
    expect(queue.isAdding(eth0)).toBe(false);
    const del = queue.runDel(eth0, () => gate.promise);
    const change = queue.runTogether([eth0], async () => {});
    expect(queue.isAdding(eth0)).toBe(false);
    const failing = queue.runAdd(eth0, first, () => Promise.reject(new Error('it fails')));
    const waiting = queue.runAdd(eth0, second, () => turn());
    expect([queue.isAdding({ ...eth0 }), queue.isAdding(net1)]).toEqual([true, false]);
    gate.resolve();
    await expect(failing).rejects.toThrow('it fails');
    expect(queue.isAdding(eth0)).toBe(true);
    await Promise.all([del, change, waiting]);
    expect(queue.isAdding(eth0)).toBe(false);
  });
});
