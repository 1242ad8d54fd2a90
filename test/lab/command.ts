/** Commands of the lab: run to the end, output as text, loud failure. */
import { spawn } from 'node:child_process';

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface CommandOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
}

/** Runs a command; never throws for what the command does. */
export function outcomeOf(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  const { input = '', env = process.env, timeoutMs = 60_000 } = options;
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(file, args, { env, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      stderr += `killed, since it did not end within ${timeoutMs / 1000} s`;
      // Its children may have them still, and then they would never close.
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (exitCode) => {
      clearTimeout(timer);
      resolve({ exitCode, stdout, stderr, ms: performance.now() - startedMs });
    });
  });
}

/** Runs a command and returns its standard output. */
export async function command(
  file: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<string> {
  const { exitCode, stdout, stderr } = await outcomeOf(file, args, options);
  if (exitCode !== 0)
    throw new Error(`${file} ${args.join(' ')} exited with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}
