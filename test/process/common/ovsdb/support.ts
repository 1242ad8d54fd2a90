/** What the tests of the session share. */
import { onTestFinished } from 'vitest';
import { OvsdbError } from '../../../../src/common/ovsdb/error.ts';
import type { Operation } from '../../../../src/common/ovsdb/operation.ts';
import type { SessionOptions } from '../../../../src/common/ovsdb/session.ts';
import { Followed } from './followed.ts';

export function follow(remotes: string, more: Partial<SessionOptions> = {}): Followed {
  const followed = new Followed(remotes, more);
  onTestFinished(() => followed.session.stop());
  return followed;
}

export function insertSwitch(name: string): Operation {
  return { op: 'insert', table: 'Logical_Switch', row: { name } };
}

/** The OvsdbError that a promise must fail with. */
export async function failureOf(promise: Promise<unknown>): Promise<OvsdbError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof OvsdbError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
