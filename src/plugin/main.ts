/**
 * The executable `kube-ovn`: the process around run.ts. It reads and writes the descriptors by
 * themselves, because `process.stdout` alone costs 7 ms at start in bun.
 */
import { readSync, writeSync } from 'node:fs';
import { CniCode } from '../wire/cni.ts';
import { cniError } from './error.ts';
import { type Outcome, run } from './run.ts';

const STDIN_BYTES_MAX = 1024 * 1024;

run(process.env, readStdin)
  .then(finish)
  .catch(() => process.exit(1));

/** Throws error 5 where stdin cannot be read, 6 where it is too long to be a configuration. */
function readStdin(): string {
  const buffer = Buffer.allocUnsafe(STDIN_BYTES_MAX + 1);
  let length = 0;
  try {
    for (let bytes = -1; bytes !== 0 && length < buffer.length; length += bytes) {
      bytes = readSync(0, buffer, length, buffer.length - length, null);
    }
  } catch (error) {
    throw cniError(CniCode.io, 'cannot read the network configuration', (error as Error).message);
  }
  if (length > STDIN_BYTES_MAX) {
    const details = `stdin has more than ${STDIN_BYTES_MAX} bytes`;
    throw cniError(CniCode.decoding, 'cannot decode the network configuration', details);
  }
  return buffer.toString('utf8', 0, length);
}

/** Ends the process at once. Where stdout is closed, writing throws, and the exit code tells. */
function finish({ exitCode, stdout }: Outcome): void {
  const bytes = Buffer.from(stdout === '' ? '' : `${stdout}\n`);
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(1, bytes, written);
  }
  process.exit(exitCode);
}
