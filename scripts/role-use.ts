/**
 * A step of npm test, after all tests: the roles in deploy/base grant what the programs asked for in
 * all tests, and nothing else.
 * Argument: the folder with the notes of the fake API servers.
 */
import { CONTROLLER, DAEMON } from '../test/lab/kubernetes/accounts.ts';
import { notedUses, refusedUses, unusedGrants } from '../test/lab/kubernetes/role-use.ts';

const uses = notedUses(process.argv[2] ?? '');
const unused = [CONTROLLER, DAEMON].flatMap((account) =>
  unusedGrants(account, uses).map((grant) => `${account.user} ${grant}`),
);
complain(
  'deploy/base grants what a program used in no test:',
  unused,
  'Take it out of its role, or write the test of the code that needs it.',
);
complain(
  'deploy/base does not grant what a program asked for in a test:',
  refusedUses(uses),
  'Grant it in its role, or let the code do without.',
);

function complain(what: string, lines: readonly string[], remedy: string): void {
  if (lines.length === 0) return;
  console.error([what, ...lines.map((line) => `  ${line}`), remedy].join('\n'));
  process.exitCode = 1;
}
