/** Records a DEL for the socket it is given, and is killed when the text is written. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const [, , socketPath = ''] = process.argv;
fs.fsyncSync = () => {
  process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
const { recordDeletion } = await import('../../../src/plugin/deletion-record.ts');
const failure = new Error('no daemon');
recordDeletion({ socketPath, containerId: 'c0ffee', ifName: 'eth0', body: '{}', failure });
