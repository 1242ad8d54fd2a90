import { describe, expect, it } from 'vitest';
import { OvsdbError } from '../../../../src/common/ovsdb/error.ts';
import { Attempts } from '../../../../src/daemon/garbage/attempts.ts';
import { failedTo } from '../../../../src/daemon/ovs/vsctl.ts';
import { failureOf } from '../support.ts';

/** Steps of which some fail; `done` has those that were tried. */
async function attempted(...failures: readonly (Error | undefined)[]) {
  const attempts = new Attempts();
  const done: number[] = [];
  for (const [index, failure] of failures.entries()) {
    await attempts.add(async () => {
      done.push(index);
      if (failure !== undefined) throw failure;
    });
  }
  return { attempts, done };
}

/** As a look-up says it. */
const away = (port: string) => {
  const cause = new OvsdbError('unreachable', 'no connection to database Open_vSwitch');
  return failureOf(() => failedTo(`find port ${port}`)(cause));
};

describe('a clean-up', () => {
  it('goes on when one removal fails, and says which at the end', async () => {
    const { attempts, done } = await attempted(new Error('one'), undefined, new Error('three'));
    expect(done).toEqual([0, 1, 2]);
    const error = failureOf(() => attempts.end('look'));
    expect(error).toMatchObject({ code: 11, message: 'one; three', details: 'look' });
  });

  it("ends where OVS's database is away, and says so once: every removal would wait for it", async () => {
    const { attempts, done } = await attempted(undefined, away('a'), away('b'), away('c'));
    expect(done).toEqual([0, 1]);
    expect(failureOf(() => attempts.end('look')).message).toBe(
      'cannot find port a: no connection to database Open_vSwitch; steps that were not tried for that: 2',
    );
  });

  it('ends also where a part of it found that', async () => {
    const part = await attempted(away('a'), away('b'));
    const { done } = await attempted(
      failureOf(() => part.attempts.end('')),
      undefined,
    );
    expect(done).toEqual([0]);
  });

  it('says nothing where all is done', async () => {
    const { attempts } = await attempted(undefined, undefined);
    expect(() => attempts.end('look')).not.toThrow();
  });
});
