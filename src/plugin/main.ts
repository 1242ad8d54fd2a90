/**
 * The executable `kube-ovn`: the process around run.ts. It reads and writes the descriptors by
 * themselves, because `process.stdout` alone costs 7 ms at start in bun.
 */
import { readSync, writeSync } from 'node:fs';
import { CniCode } from '../wire/cni.ts';
import { questionOf } from '../wire/version.ts';
import { cniError } from './error.ts';
import { type Outcome, run } from './run.ts';
import { answerTo } from './usage.ts';

const STDIN_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES = 16 * 1024;

const question = questionOf(process.argv.slice(2));
if (question === undefined) {
  run(process.env, readStdin)
    .then(finish)
    .catch(() => process.exit(1));
} else {
  finish({ exitCode: 0, stdout: answerTo(question) });
}

/** Throws error 5 where stdin cannot be read, 6 where it is too long to be a configuration. */
function readStdin(): string {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for (let bytes = -1; bytes !== 0 && length <= STDIN_BYTES_MAX; length += bytes) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      bytes = readSync(0, chunk, 0, chunk.length, null);
      chunks.push(chunk.subarray(0, bytes));
    }
  } catch (error) {
    throw cniError(CniCode.io, 'cannot read the network configuration', (error as Error).message);
  }
  if (length > STDIN_BYTES_MAX) {
    const details = `stdin has more than ${STDIN_BYTES_MAX} bytes`;
    throw cniError(CniCode.decoding, 'cannot decode the network configuration', details);
  }
  return Buffer.concat(chunks).toString();
}

/** Ends the process at once. Where stdout is closed, writing throws, and the exit code tells. */
function finish({ exitCode, stdout }: Outcome): void {
  const bytes = Buffer.from(stdout === '' ? '' : `${stdout}\n`);
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(1, bytes, written);
  }
  process.exit(exitCode);
}
