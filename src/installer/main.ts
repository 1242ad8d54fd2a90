/**
 * kube-ovn-install: puts the executables and the configuration onto a node and takes them off again.
 * The process around the commands: words, exit codes, signals.
 */

import { readFile, rename, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { basename, dirname } from 'node:path';
import { messageOf } from '../common/text.ts';
import { questionOf, VERSION } from '../wire/version.ts';
import { checkEnvironment, NODE_PATHS } from './env-check.ts';
import { parseFlags, UsageError } from './flags.ts';
import { answerTo } from './help.ts';
import { install } from './install.ts';
import { withMark } from './mark.ts';
import { abandonUnfinished } from './place-file.ts';
import { uninstall } from './uninstall.ts';

const [command = '', ...words] = process.argv.slice(2);

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    abandonUnfinished();
    process.exit(128 + constants.signals[signal]);
  });
}

main().catch((error) => {
  console.error(`${command || 'kube-ovn-install'}: ${messageOf(error)}${remedyOf(error)}`);
  if (error instanceof UsageError) console.error('--help lists what is known');
  process.exitCode = error instanceof UsageError ? 2 : 1;
});

/** What to do where the system refuses a file. */
const REMEDIES: Readonly<Record<string, string>> = {
  EROFS:
    "; name the node's writable folder by --cni-bin-dir or --distribution, and mount it writable",
  EACCES: "; the container must be root's, and SELinux must let it write (type spc_t)",
  EPERM: "; the container must be root's, and the file must not be immutable (lsattr)",
  ENOSPC: '; make room on the disk of the node: the file that was there stays',
};

function remedyOf(error: NodeJS.ErrnoException): string {
  return REMEDIES[error.code ?? ''] ?? '';
}

async function main(): Promise<void> {
  const question = questionOf(process.argv.slice(2));
  if (question !== undefined) return console.log(answerTo(question, command));
  if (command === 'mark') return await mark(words);
  if (command === 'env-check') return await checkNode(words);
  if (command !== 'install' && command !== 'uninstall') {
    throw new UsageError(`there is no command "${command}"`);
  }
  const options = parseFlags(command, words, process.env, dirname(process.argv[1] ?? ''));
  const commands = { install, uninstall };
  await commands[command](options, (line, isWarning) =>
    console.log(`${command}: ${isWarning ? 'WARNING: ' : ''}${line}`),
  );
}

/** Prints what is found: a line each, those to be looked at with a cross. */
async function checkNode(words: readonly string[]): Promise<void> {
  if (words.length > 0) throw new UsageError('env-check takes no words');
  for (const { isProblem, text } of await checkEnvironment(NODE_PATHS)) {
    console.log(`${isProblem ? '✗' : '✓'} ${text}`);
  }
}

/** Puts our mark on files: for the build of an image, before anybody runs them. */
async function mark(files: readonly string[]): Promise<void> {
  if (files.length === 0) throw new UsageError('name the executables to be marked');
  for (const file of files) {
    const marked = withMark(await readFile(file), basename(file), VERSION);
    await writeFile(`${file}.marked`, marked, { mode: 0o755 });
    await rename(`${file}.marked`, file);
  }
}
