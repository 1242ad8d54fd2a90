/** TCP between pods, measured by iperf3. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inSandbox, type Sandbox } from './runtime.ts';

/** Mbit/s that arrive at `server` from `client` in so many seconds. */
export async function tcpThroughput(
  client: Sandbox,
  server: Sandbox,
  address: string,
  seconds: number,
  omitSeconds = 0,
): Promise<number> {
  const options = ['-s', '-1', '--forceflush', '-B', address];
  const listener = spawn('nsenter', [`--net=${server.netns}`, 'iperf3', ...options]);
  try {
    await listening(listener);
    const times = ['-t', `${seconds}`, '-O', `${omitSeconds}`];
    const output = await inSandbox(client, 'iperf3', '-c', address, ...times, '-J');
    return JSON.parse(output).end.sum_received.bits_per_second / 1e6;
  } finally {
    listener.kill();
  }
}

async function listening(server: ChildProcess): Promise<void> {
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
  for await (const line of lines) if (line.includes('Server listening')) return;
  throw new Error('iperf3 does not listen');
}
