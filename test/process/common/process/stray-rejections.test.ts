import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const PROGRAM = join(import.meta.dirname, 'stray-rejections-program.ts');

it('a rejected promise that nobody awaits is told once, and does not end the process', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(lines).toEqual([
    expect.objectContaining({ level: 'error', error: 'too deep', stack: expect.any(String) }),
    expect.objectContaining({ level: 'error', error: 'a thrown object' }),
    'alive',
  ]);
});
