/** TCP and UDP between pods, measured by iperf3. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inSandbox, type Sandbox } from './runtime.ts';

export interface Stream {
  readonly client: Sandbox;
  readonly server: Sandbox;
  /** Of the server. */
  readonly address: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly seconds: number;
  /** What a client of UDP sends; one of TCP sends what it can. */
  readonly offeredMbps?: number;
  /** How much may be on its way in TCP; KiB. The kernel decides without. */
  readonly windowKib?: number;
}

/**
 * Yields what arrived at the server in each half second, as it comes; Mbit/s. The server says so in
 * text: JSON comes when all is over.
 */
export async function* received(stream: Stream): AsyncGenerator<number> {
  const { client, server, address, protocol, seconds, offeredMbps = 0, windowKib } = stream;
  const window = windowKib === undefined ? [] : ['-w', `${windowKib}K`];
  const more = protocol === 'UDP' ? ['-u', '-b', `${offeredMbps}M`] : window;
  const listener = listen(server, address, '-i', '0.5', '-f', 'k');
  try {
    const lines = createInterface({ input: listener.stdout as NodeJS.ReadableStream });
    let sending: Promise<string> | undefined;
    for await (const line of lines) {
      if (line.includes(LISTENING)) {
        sending = inSandbox(client, 'iperf3', '-c', address, '-t', `${seconds}`, '-J', ...more);
        // One that cannot connect leaves the server without end.
        sending.catch(() => listener.kill());
      }
      const mbps = readInterval(line);
      if (mbps !== undefined) yield mbps;
    }
    await sending;
  } finally {
    listener.kill();
  }
}

/** Of a line like "[  5]   1.00-1.50   sec   592 KBytes  9699 Kbits/sec …", but not of the sum. */
function readInterval(line: string): number | undefined {
  const match = /^\[ *\d+\] +([\d.]+)-([\d.]+) +sec .* ([\d.]+) Kbits\/sec/.exec(line);
  const [from = 0, to = 0, kbps = 0] = match?.slice(1).map(Number) ?? [];
  // The rest behind the last whole interval is a matter of some packets.
  return match === null || line.includes('receiver') || to - from < 0.4 ? undefined : kbps / 1000;
}

/** Mbit/s that arrive at `server` from `client` in so many seconds of TCP. */
export async function tcpThroughput(
  client: Sandbox,
  server: Sandbox,
  address: string,
  seconds: number,
  omitSeconds = 0,
): Promise<number> {
  const listener = listen(server, address);
  try {
    await listening(listener);
    const times = ['-t', `${seconds}`, '-O', `${omitSeconds}`];
    const output = await inSandbox(client, 'iperf3', '-c', address, ...times, '-J');
    return JSON.parse(output).end.sum_received.bits_per_second / 1e6;
  } finally {
    listener.kill();
  }
}

const LISTENING = 'Server listening';

/** A server for one stream. */
function listen({ netns }: Sandbox, address: string, ...more: readonly string[]): ChildProcess {
  const options = ['-s', '-1', '--forceflush', '-B', address, ...more];
  return spawn('nsenter', [`--net=${netns}`, 'iperf3', ...options]);
}

async function listening(server: ChildProcess): Promise<void> {
  const lines = createInterface({ input: server.stdout as NodeJS.ReadableStream });
  for await (const line of lines) if (line.includes(LISTENING)) return;
  throw new Error('iperf3 does not listen');
}
