/**
 * What node runs in a guest (init.sh): a program of a test, whose result it writes to a file.
 * Arguments: the module, whose default export is the program; the file.
 */
import { writeFileSync } from 'node:fs';
import type { Answer, GuestProgram } from './guest.ts';

const [module = '', file = ''] = process.argv.slice(2);

const { default: program } = (await import(module)) as { default: GuestProgram<unknown> };
const answer: Answer = await program().then(
  (value) => ({ value }),
  (error: Error) => ({ error: error.stack ?? String(error) }),
);
writeFileSync(file, JSON.stringify(answer));
// What the program has started, and did not end, ends with the guest.
process.exit('error' in answer ? 1 : 0);
