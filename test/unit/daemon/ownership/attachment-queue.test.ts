import { describe, expect, it } from 'vitest';
import type { Deadline } from '../../../../src/common/concurrency/deadline.ts';
import { abortable, startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import { AttachmentQueue } from '../../../../src/daemon/ownership/attachment-queue.ts';
import { attachmentOf, rejectionOf, sizeOfPrivate } from '../support.ts';

const eth0 = attachmentOf();
const net1 = attachmentOf({ ifName: 'net1' });
const never = new Promise<never>(() => {});

const untilEnded = (deadline: Deadline) => abortable(never, deadline.signal);
/** Lets everything that can go on go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the calls for one attachment', () => {
  it('run one at a time, in the order in which they came', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    using deadline = startDeadline(60_000);
    const calls = [
      queue.runDel(eth0, async () => {
        await gate.promise;
        log.push('first DEL');
      }),
      queue.runAdd({ ...eth0 }, deadline, async () => log.push('ADD')),
      queue.runAdd({ ...eth0 }, deadline, async () => log.push('second ADD')),
    ];
    gate.resolve();
    await Promise.all(calls);
    await queue.runDel(eth0, async () => void log.push('DEL'));
    expect(log).toEqual(['first DEL', 'ADD', 'second ADD', 'DEL']);
  });

  it('do not hold up those for another interface or container', async () => {
    const queue = new AttachmentQueue();
    using deadline = startDeadline(60_000);
    const held = queue.runAdd(eth0, deadline, () => untilEnded(deadline));
    const others = [net1, attachmentOf({ containerId: 'other' })];
    for (const other of others) {
      using own = startDeadline(60_000);
      expect(await queue.runAdd(other, own, async () => 'done')).toBe('done');
      await queue.runDel(other, async () => {});
    }
    deadline.abort(new Error('enough'));
    await expect(held).rejects.toThrow('enough');
  });

  it('fail for their own reason, and the next one runs', async () => {
    const queue = new AttachmentQueue();
    using deadline = startDeadline(60_000);
    const add = queue.runAdd(eth0, deadline, () => Promise.reject(new Error('ADD')));
    const next = queue.runAdd(eth0, deadline, async () => 'next');
    await expect(add).rejects.toThrow('ADD');
    expect(await next).toBe('next');
    await expect(queue.runDel(eth0, () => Promise.reject(new Error('DEL')))).rejects.toThrow('DEL');
    await queue.runDel(eth0, async () => {});
  });

  it('leave nothing behind, however they end', async () => {
    const queue = new AttachmentQueue();
    using deadline = startDeadline(60_000);
    const held = queue.runAdd(eth0, deadline, () => untilEnded(deadline));
    const inLine = queue.runAdd(eth0, deadline, async () => {});
    expect(await sizeOfPrivate(queue, '#adds')).toBe(1);
    const del = queue.runDel(eth0, async () => {});
    await Promise.allSettled([held, inLine, del]);
    await queue.runAdd(net1, deadline, () => Promise.reject(new Error('x'))).catch(() => {});
    expect(await sizeOfPrivate(queue, '#adds')).toBe(0);
  });
});

describe('a DEL', () => {
  it('ends the ADD that it finds running, with an error that says so', async () => {
    const queue = new AttachmentQueue();
    using deadline = startDeadline(60_000);
    const add = rejectionOf(queue.runAdd(eth0, deadline, () => untilEnded(deadline)));
    await turn();
    await queue.runDel({ ...eth0 }, async () => {});
    const error = await add;
    expect(error.code).toBe(11);
    expect(error.message).toContain('ended by a DEL');
  });

  it('ends the ADDs that wait in line before it, which then never run', async () => {
    const queue = new AttachmentQueue();
    using running = startDeadline(60_000);
    using waiting = startDeadline(60_000);
    let hasRun = false;
    const add = queue.runAdd(eth0, running, () => untilEnded(running));
    const inLine = queue.runAdd(eth0, waiting, async () => {
      hasRun = true;
    });
    const outcomes = Promise.all([rejectionOf(add), rejectionOf(inLine)]);
    await queue.runDel(eth0, async () => {});
    expect((await outcomes).map(({ code }) => code)).toEqual([11, 11]);
    expect(hasRun).toBe(false);
  });

  it('lets the ADDs that come after it alone', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    using deadline = startDeadline(60_000);
    const del = queue.runDel(eth0, () => gate.promise);
    const add = queue.runAdd(eth0, deadline, async () => 'added');
    gate.resolve();
    await del;
    expect(await add).toBe('added');
    await queue.runDel(eth0, async () => {});
    expect(deadline.signal.aborted).toBe(false);
  });
});

describe('a DEL among other calls', () => {
  it('leaves another DEL and other interfaces alone', async () => {
    const queue = new AttachmentQueue();
    using deadline = startDeadline(60_000);
    const gate = Promise.withResolvers<void>();
    const add = queue.runAdd(net1, deadline, async () => {
      await gate.promise;
      return 'added';
    });
    const first = queue.runDel(eth0, () => gate.promise);
    const second = queue.runDel(eth0, async () => {});
    gate.resolve();
    await Promise.all([first, second]);
    expect(await add).toBe('added');
  });

  it('runs when the ADD has undone its work', async () => {
    const queue = new AttachmentQueue();
    const log: string[] = [];
    using deadline = startDeadline(60_000);
    const add = queue.runAdd(eth0, deadline, async () => {
      try {
        await untilEnded(deadline);
      } finally {
        await turn();
        log.push('undone');
      }
    });
    await turn();
    const del = queue.runDel(eth0, async () => void log.push('removed'));
    await rejectionOf(add);
    await del;
    expect(log).toEqual(['undone', 'removed']);
  });
});

describe('an ADD whose time passes while it waits in line', () => {
  it('does not run, and lets the next one run', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    const first = queue.runDel(eth0, () => gate.promise);
    using ended = startDeadline(60_000);
    using deadline = startDeadline(60_000);
    let hasRun = false;
    const second = queue.runAdd(eth0, ended, async () => {
      hasRun = true;
    });
    const third = queue.runAdd(eth0, deadline, async () => 'third');
    ended.abort(new Error('time is up'));
    gate.resolve();
    await first;
    await expect(second).rejects.toThrow('time is up');
    expect(hasRun).toBe(false);
    expect(await third).toBe('third');
  });
});

describe('a CHECK', () => {
  it('waits its turn, and does not run where its time passed in line', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    const ended = new AbortController();
    const log: string[] = [];
    const del = queue.runDel(eth0, () => gate.promise.then(() => void log.push('removed')));
    const run = (controller: AbortController, text: string) =>
      queue.runCheck(eth0, controller.signal, async () => log.push(text));
    const [check, late] = [run(new AbortController(), 'checked'), run(ended, 'late')];
    ended.abort(new Error('time is up'));
    await queue.runCheck(net1, new AbortController().signal, async () => log.push('another'));
    gate.resolve();
    await expect(late).rejects.toThrow('time is up');
    await Promise.all([del, check]);
    expect(log).toEqual(['another', 'removed', 'checked']);
  });

  it('is one that a DEL waits for', async () => {
    const queue = new AttachmentQueue();
    const log: string[] = [];
    const { signal } = new AbortController();
    const check = queue.runCheck(eth0, signal, () => turn().then(() => void log.push('checked')));
    await queue.runDel(eth0, async () => void log.push('removed'));
    await check;
    expect(log).toEqual(['checked', 'removed']);
  });
});

describe('a clean-up', () => {
  it('runs where no call for the attachment does, and others run', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    const del = queue.runDel(net1, () => gate.promise);
    let hasRun = false;
    const task = async () => {
      hasRun = true;
    };
    expect(await queue.runIfIdle(eth0, task)).toBe(true);
    expect(hasRun).toBe(true);
    gate.resolve();
    await del;
  });

  it('does not run, nor wait, where a call runs or waits', async () => {
    const queue = new AttachmentQueue();
    const never = () => Promise.reject(new Error('it has run'));
    using deadline = startDeadline(60_000);
    const { signal } = deadline;
    const starts = [
      (gate: Promise<void>) => queue.runAdd(eth0, deadline, () => gate),
      (gate: Promise<void>) => queue.runCheck(eth0, signal, () => gate),
      (gate: Promise<void>) => queue.runDel(eth0, () => gate),
    ];
    for (const start of starts) {
      const gate = Promise.withResolvers<void>();
      const call = start(gate.promise);
      await turn();
      expect(await queue.runIfIdle({ ...eth0 }, never)).toBe(false);
      gate.resolve();
      await call;
    }
  });

  it('is one that calls wait for', async () => {
    const queue = new AttachmentQueue();
    const log: string[] = [];
    const cleanUp = queue.runIfIdle(eth0, () => turn().then(() => void log.push('cleaned')));
    await queue.runDel(eth0, async () => void log.push('removed'));
    await cleanUp;
    expect(log).toEqual(['cleaned', 'removed']);
  });

  it('that fails lets the next call run', async () => {
    const queue = new AttachmentQueue();
    const failing = queue.runIfIdle(eth0, () => Promise.reject(new Error('OVS is away')));
    await expect(failing).rejects.toThrow('OVS is away');
    expect(await queue.runIfIdle(eth0, async () => {})).toBe(true);
  });
});

describe('the number of ADDs', () => {
  it('has those that run and those in line, and no other call', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    expect(queue.addCount).toBe(0);
    const del = queue.runDel(net1, () => gate.promise);
    const adds = [eth0, eth0, net1].map(async (attachment) => {
      using deadline = startDeadline(60_000);
      await queue.runAdd(attachment, deadline, () => gate.promise);
    });
    expect(queue.addCount).toBe(3);
    gate.reject(new Error('all fail'));
    await Promise.allSettled([del, ...adds]);
    expect(queue.addCount).toBe(0);
  });
});

describe('what waits for the end of all ADDs', () => {
  it('goes on when the last one is over, however it ends, and at once where there is none', async () => {
    const queue = new AttachmentQueue();
    const { signal } = new AbortController();
    await queue.addsOver(signal);
    const gate = Promise.withResolvers<void>();
    using deadline = startDeadline(60_000);
    let isOver = false;
    const first = queue.runAdd(eth0, deadline, () => gate.promise);
    const second = queue.runAdd(net1, deadline, () => untilEnded(deadline));
    const waiting = queue.addsOver(signal).then(() => {
      isOver = true;
    });
    gate.resolve();
    await first;
    await turn();
    expect(isOver).toBe(false);
    deadline.abort(new Error('over'));
    await expect(second).rejects.toThrow('over');
    await waiting;
  });

  it('ends when it is aborted, and waits for no DEL', async () => {
    const queue = new AttachmentQueue();
    using deadline = startDeadline(60_000);
    void queue.runDel(net1, () => never);
    await queue.addsOver(new AbortController().signal);
    void queue.runAdd(eth0, deadline, () => never);
    const late = AbortSignal.abort(new Error('too late'));
    await expect(queue.addsOver(late)).rejects.toThrow('too late');
  });
});

describe('a daemon that ends', () => {
  it('ends every ADD, those in line too, and no DEL', async () => {
    const queue = new AttachmentQueue();
    const reason = new Error('the daemon ends');
    const gate = Promise.withResolvers<void>();
    using first = startDeadline(60_000);
    using second = startDeadline(60_000);
    const del = queue.runDel(net1, () => gate.promise);
    const running = queue.runAdd(eth0, first, () => untilEnded(first));
    const inLine = queue.runAdd(net1, second, () => untilEnded(second));
    queue.abortAdds(reason);
    gate.resolve();
    await del;
    await expect(running).rejects.toBe(reason);
    await expect(inLine).rejects.toBe(reason);
  });
});

describe('the name of a host interface', () => {
  it('belongs to the attachment that uses it until that is over', () => {
    const queue = new AttachmentQueue();
    expect(queue.mayUse('a_h', eth0)).toBe(true);
    {
      using _name = queue.use('a_h', eth0);
      expect(queue.mayUse('a_h', { ...eth0 })).toBe(true);
      expect(queue.mayUse('a_h', net1)).toBe(false);
      expect(queue.mayUse('a_h', attachmentOf({ containerId: 'other' }))).toBe(false);
      expect(queue.mayUse('b_h', net1)).toBe(true);
    }
    expect(queue.mayUse('a_h', net1)).toBe(true);
  });
});

describe('whoever asks which ADDs are new', () => {
  it('is told those that ran or waited then and those that came since, also when they have ended', async () => {
    const queue = new AttachmentQueue();
    const gate = Promise.withResolvers<void>();
    using deadline = startDeadline(60_000);
    await queue.runAdd(attachmentOf({ ifName: 'over' }), deadline, async () => {});
    const running = queue.runAdd(eth0, deadline, () => gate.promise);
    using newer = queue.addsFromNow();
    await queue.runAdd(net1, deadline, async () => {});
    gate.resolve();
    await running;
    const told = ['over', 'eth0', 'net1'].map((ifName) => newer.has(attachmentOf({ ifName })));
    expect(told).toEqual([false, true, true]);
  });

  it('is forgotten afterwards', async () => {
    const queue = new AttachmentQueue();
    queue.addsFromNow()[Symbol.dispose]();
    expect(await sizeOfPrivate(queue, '#addsSeen')).toBe(0);
  });
});
