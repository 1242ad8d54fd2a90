/**
 * Runs a tool when this process can open no more files, and writes how that ended. Started with
 * a low limit of open files.
 */
import { closeSync, openSync } from 'node:fs';
import { run } from '../../../../src/common/process/run.ts';

let isAlive = true;
// What nobody handles would end the daemon.
process.on('uncaughtException', () => {
  isAlive = false;
});

const open: number[] = [];
try {
  for (;;) open.push(openSync('/dev/null', 'r'));
} catch {
  // That was the last one.
}
const error: unknown = await run('/bin/true', []).catch((reason: unknown) => reason);
await new Promise((resolve) => setTimeout(resolve, 20));
for (const descriptor of open) closeSync(descriptor);
process.stdout.write(JSON.stringify({ name: (error as Error).name, isAlive }));
process.exit();
