/** Runs the commands of a build: argv arrays, their output to the terminal. */
import { spawnSync } from 'node:child_process';

/** @throws Error that names the command and how it ended */
export function command(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  const [file = '', ...args] = argv;
  console.log(`+ ${argv.join(' ')}`);
  const env = { ...process.env, ...environment };
  const { error, status, signal } = spawnSync(file, args, { stdio: 'inherit', env });
  if (error === undefined && status === 0) return;
  throw new Error(`${argv.join(' ')}: ${error?.message ?? `ended with ${status ?? signal}`}`);
}

/** Whether a command is there and ends with 0; what it prints is not shown. */
export function succeeds(argv: readonly string[]): boolean {
  const [file = '', ...args] = argv;
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0;
}

/** What a command prints. @throws Error where it fails */
export function output(argv: readonly string[]): string {
  const [file = '', ...args] = argv;
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const { error, status, stdout, stderr } = spawnSync(file, args, options);
  if (error === undefined && status === 0) return stdout;
  throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`);
}
