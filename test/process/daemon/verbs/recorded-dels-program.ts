/**
 * Does what is recorded in a directory, and then a record that is put there, at a call. Writes
 * whose DELs were begun, and the errors that were logged. Arguments: directory, name, record.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordedDels } from '../../../../src/daemon/verbs/recorded-dels.ts';

const [, , directory = '', name = '', record = ''] = process.argv;
const begun: string[] = [];
const errors: string[] = [];
const ignore = () => {};
const { signal } = new AbortController();
const deletions = new RecordedDels({
  directory,
  del: async ({ container_id }) => void begun.push(container_id),
  ready: async () => {},
  log: { info: ignore, warn: ignore, error: (_fields, message) => errors.push(message) },
});
await deletions.start();
await deletions.drained(signal);
writeFileSync(join(directory, name), record);
await deletions.drained(signal);
deletions.stop();
process.stdout.write(JSON.stringify({ begun, errors }));
