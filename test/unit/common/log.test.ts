import { openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { KubernetesError } from '../../../src/common/kubernetes/error.ts';
import { errorFields, stackOf } from '../../../src/common/log.ts';
import { ToolError } from '../../../src/common/process/tool-error.ts';
import { NotDone } from '../../../src/common/reconcile/not-done.ts';
import { tryAgain } from '../../../src/daemon/call/error.ts';

/** An error of the system. */
function missingFile(): unknown {
  try {
    return openSync('/nonexistent/file', 'r');
  } catch (error) {
    return error;
  }
}

describe('a line about an error', () => {
  it.each([
    new TypeError('x is not a function'),
    new Error('unforeseen'),
    new SyntaxError('no JSON'),
  ])('has the stack of %s, which is a fault of a program', (error) => {
    expect(stackOf(error)).toEqual({ err: error });
    expect(errorFields(error)).toEqual({ error: error.message, err: error });
  });

  it.each([
    tryAgain('no port', ''),
    new ToolError('"ip" exited with 1', 'no such device', 1),
    new NotDone('there is no Subnet'),
    new KubernetesError({ status: 403, reason: 'Forbidden', verb: 'get', path: '/a' }, 'no'),
    missingFile(),
    'a text',
  ])('has no stack of %s, which has to be expected', (error) => {
    expect(stackOf(error)).toEqual({});
    expect(Object.keys(errorFields(error))).toEqual(['error']);
  });
});
