/** The network that a guest's node is on: the namespace `far` at the other end of its cards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { outcomeOf } from '../../lab/command.ts';
import { batch, ip } from './ip.ts';

const FAR = 'far';
/** argv in front of a command at the far end. */
const AT_FAR_END = ['ip', 'netns', 'exec', FAR] as const;

export async function makeFarEnd(): Promise<void> {
  await ip(`netns add ${FAR}`);
}

/** Lines of `ip -batch`, at the far end. */
export async function atFarEnd(lines: readonly string[]): Promise<void> {
  await batch(lines, FAR);
}

/**
 * Gives the node a card that is up. The link at its far end has the same name.
 * @param addresses of the far end, by VLAN; 0 for frames without a tag
 */
export async function makeCard(
  name: string,
  addresses: Readonly<Record<number, readonly string[]>> = {},
): Promise<void> {
  await ip(`link add ${name} up type veth peer name ${name} netns ${FAR}`);
  const lines = Object.entries(addresses).flatMap(([vlan, list]) => {
    const link = vlan === '0' ? name : `${name}.${vlan}`;
    const made = vlan === '0' ? [] : [`link add link ${name} name ${link} up type vlan id ${vlan}`];
    return [...made, ...list.map((address) => `address add ${address} dev ${link} nodad`)];
  });
  await atFarEnd([`link set ${name} up`, ...lines]);
}

/**
 * Whether a machine answers. It is asked some times, for a neighbour has to be found first.
 * @param netns where it is asked; on the node without it
 */
export async function answers(address: string, netns?: string): Promise<boolean> {
  const within = netns === undefined ? [] : ['ip', 'netns', 'exec', netns];
  const ping = ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '5', address];
  const [file = '', ...args] = [...within, ...ping];
  return (await outcomeOf(file, args)).exitCode === 0;
}

/** Whether a machine answers the far end. */
export function answersFarEnd(address: string): Promise<boolean> {
  return answers(address, FAR);
}

/** Echo requests from the far end, five in a second. */
export class Echo {
  readonly #process: ChildProcess;
  readonly #answered = new Set<number>();

  constructor(address: string) {
    const [file, ...args] = [...AT_FAR_END, 'ping', '-n', '-i', '0.2', address];
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      for (const [, number] of text.matchAll(/icmp_seq=(\d+) ttl/g)) {
        this.#answered.add(Number(number));
      }
    });
  }

  /** @returns how many were answered, and how many before the last of those were not */
  async stop(): Promise<{ answered: number; lost: number }> {
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGINT');
    await closed;
    const answered = this.#answered.size;
    return { answered, lost: Math.max(0, ...this.#answered) - answered };
  }
}
