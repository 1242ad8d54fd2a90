import { describe, expect, it } from 'vitest';
import { startDeadline } from '../../../../src/common/concurrency/deadline.ts';
import { CniError, tryAgain } from '../../../../src/daemon/call/error.ts';
import { rejectionOf } from '../support.ts';
import { deletionOf, IDS, recordName, type Scene, setScene } from './recorded-dels-support.ts';

const { signal } = new AbortController();
const LATER = tryAgain('cannot find port', 'is ovsdb-server running?');
const asideOf = (id: string) => `${recordName(deletionOf(id))}.failed`;
const errorsOf = ({ log }: Scene) => log.lines.filter(({ level }) => level === 'error');

/** Lets everything that can go on go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('DELs that are recorded when the daemon starts', () => {
  it('are all done, once each, and forgotten, before a call goes on', async () => {
    const scene = setScene();
    scene.record(...IDS);
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.begun.toSorted()).toEqual(IDS);
    expect(scene.files()).toEqual([]);
    const done = scene.log.lines.map(({ level, fields }) => ({ level, ...fields }));
    expect(done).toHaveLength(IDS.length);
    expect(done).toContainEqual(
      expect.objectContaining({ level: 'info', pod: 'shop/web-0', containerId: 'c3' }),
    );
  });

  it('are forgotten only when they are done', async () => {
    const gate = Promise.withResolvers<void>();
    const scene = setScene({ del: () => gate.promise });
    scene.record('c1');
    await scene.deletions.start();
    let isDone = false;
    const done = scene.deletions.drained(signal).then(() => {
      isDone = true;
    });
    await expect.poll(() => scene.begun).toEqual(['c1']);
    expect(scene.files()).toEqual([recordName(deletionOf('c1'))]);
    expect(isDone).toBe(false);
    gate.resolve();
    await done;
    expect(scene.files()).toEqual([]);
  });

  it('are four at a time', async () => {
    const gate = Promise.withResolvers<void>();
    const scene = setScene({ del: () => gate.promise });
    scene.record(...IDS);
    await scene.deletions.start();
    await expect.poll(() => scene.begun.length).toBe(4);
    await turn();
    expect(scene.begun).toHaveLength(4);
    gate.resolve();
    await scene.deletions.drained(signal);
    expect(scene.begun.toSorted()).toEqual(IDS);
  });
});

describe('a call that meets recorded DELs', () => {
  it('is told what it waited for when its time is up, and they go on', async () => {
    const ready = Promise.withResolvers<void>();
    const scene = setScene({ ready: () => ready.promise });
    scene.record('c1');
    await scene.deletions.start();
    using deadline = startDeadline(20);
    const error = await rejectionOf(scene.deletions.done(deletionOf('c1'), deadline.signal));
    expect(error.code).toBe(11);
    expect(error.message).toContain('the DEL of this interface that was recorded');
    expect(scene.begun).toEqual([]);
    ready.resolve();
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['c1']);
  });

  it("waits for its own, also where that is recorded while another's is done", async () => {
    const scene: Scene = setScene({
      del: async ({ container_id }) => {
        if (container_id === 'c1') scene.record('c2');
      },
    });
    scene.record('c1');
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['c1', 'c2']);
    expect(scene.files()).toEqual([]);
  });

  it('of another attachment waits for none, however long they take', async () => {
    const gate = Promise.withResolvers<void>();
    const scene = setScene({ del: () => gate.promise });
    scene.record(...IDS);
    await scene.deletions.start();
    await expect.poll(() => scene.begun.length).toBe(4);
    await scene.deletions.done(deletionOf('other'), signal);
    // Nor does one whose DEL is not begun wait for those before it.
    const [last = ''] = IDS.filter((id) => !scene.begun.includes(id));
    const done = scene.deletions.done(deletionOf(last), signal);
    await expect.poll(() => scene.begun.at(-1)).toBe(last);
    gate.resolve();
    await done;
    await scene.deletions.drained(signal);
    expect(scene.begun.toSorted()).toEqual(IDS);
  });

  it('waits for nothing where nothing is recorded', async () => {
    const scene = setScene({ ready: () => new Promise(() => {}) });
    await scene.deletions.start();
    await scene.deletions.drained(signal);
  });
});

describe('a DEL that is recorded later', () => {
  it('is seen without a call', async () => {
    const scene = setScene();
    await scene.deletions.start();
    scene.record('c1');
    await expect.poll(() => scene.begun).toEqual(['c1']);
    await expect.poll(scene.files).toEqual([]);
    scene.record('c2');
    await expect.poll(() => scene.begun).toEqual(['c1', 'c2']);
  });

  it('of the same attachment is done again', async () => {
    const scene = setScene();
    await scene.deletions.start();
    for (const times of [1, 2]) {
      scene.record('c1');
      await scene.deletions.drained(signal);
      expect(scene.begun).toHaveLength(times);
    }
  });
});

describe('a recorded DEL that cannot be done', () => {
  it('is set aside and reported once, and the others are done', async () => {
    const failure = new CniError(4, 'CNI_CONTAINERID is wrong', '');
    const scene = setScene({
      del: async ({ container_id }) => {
        if (container_id === 'c5') throw failure;
      },
    });
    scene.record(...IDS);
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.begun.toSorted()).toEqual(IDS);
    expect(scene.files()).toEqual([asideOf('c5')]);
    const [{ fields, message } = { fields: {}, message: '' }, ...more] = errorsOf(scene);
    expect(more).toEqual([]);
    const record = `${scene.directory}/${asideOf('c5')}`;
    expect(fields).toEqual({ record, error: failure.message });
    expect(message).toContain('set aside');
    await scene.deletions.drained(signal);
    expect(scene.begun).toHaveLength(IDS.length);
  });

  it('now is tried again', async () => {
    let failures = 2;
    const scene = setScene({
      del: async () => {
        failures -= 1;
        if (failures >= 0) throw LATER;
      },
    });
    scene.record('c1');
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['c1', 'c1', 'c1']);
    expect(scene.files()).toEqual([]);
    expect(errorsOf(scene)).toEqual([]);
  });

  it('now is not tried for ever', async () => {
    const scene = setScene({ del: () => Promise.reject(LATER) });
    scene.record('c1');
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.begun).toHaveLength(6);
    expect(scene.files()).toEqual([asideOf('c1')]);
    expect(errorsOf(scene)).toHaveLength(1);
  });

  it('is not tried again where the reason is no CNI error', async () => {
    const scene = setScene({ del: () => Promise.reject(new Error('a bug')) });
    scene.record('c1');
    await scene.deletions.start();
    await scene.deletions.drained(signal);
    expect(scene.begun).toEqual(['c1']);
    expect(scene.files()).toEqual([asideOf('c1')]);
  });
});

describe('a daemon that ends', () => {
  it('leaves the record of the DEL that it was at', async () => {
    const gate = Promise.withResolvers<void>();
    const scene = setScene({ del: () => gate.promise });
    scene.record(...IDS);
    await scene.deletions.start();
    await expect.poll(() => scene.begun.length).toBe(4);
    scene.deletions.stop();
    gate.reject(new Error('the tool was killed'));
    await turn();
    expect(scene.files()).toEqual(IDS.map((id) => recordName(deletionOf(id))).sort());
    expect(scene.log.lines).toEqual([]);
  });

  it('does not begin another one', async () => {
    const gate = Promise.withResolvers<void>();
    const scene = setScene({ del: () => gate.promise });
    scene.record(...IDS);
    await scene.deletions.start();
    await expect.poll(() => scene.begun.length).toBe(4);
    scene.deletions.stop();
    gate.resolve();
    await expect.poll(() => scene.files().length).toBe(IDS.length - 4);
    expect(scene.begun).toHaveLength(4);
  });

  it('does not wait for OVS, nor between two attempts', async () => {
    const waiting = setScene({ ready: () => new Promise(() => {}) });
    const failing = setScene({ del: () => Promise.reject(LATER) });
    for (const { record, deletions } of [waiting, failing]) {
      record('c1');
      await deletions.start();
    }
    await expect.poll(() => failing.begun).toEqual(['c1']);
    for (const { deletions, files, log } of [waiting, failing]) {
      deletions.stop();
      await turn();
      expect(files()).toEqual([recordName(deletionOf('c1'))]);
      expect(log.lines).toEqual([]);
    }
  });
});
