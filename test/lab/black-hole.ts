/**
 * Packets of TCP connections that vanish within the network namespace of a test: no reset, no
 * ICMP, no answer, as when a load balancer fails over or a machine is gone. The policy of the
 * namespace routes them into a link whose other end nobody listens at. Where a test has no
 * namespace of its own, tcp-line.ts does the like.
 */
import { writeFile } from 'node:fs/promises';
import { command } from './command.ts';

/** A routing table that nobody else uses. */
const TABLE = '666';
const LINK = 'blackhole0';

export class BlackHole implements AsyncDisposable {
  readonly #rules: string[][] = [];

  private constructor() {}

  /** All packets to and from a TCP port: new connections find nobody, too. */
  static async ofPort(port: number): Promise<BlackHole> {
    return await BlackHole.#of([
      ['dport', `${port}`],
      ['sport', `${port}`],
    ]);
  }

  /** Only the connections of now: a new one works. @param clientPorts their other ends */
  static async ofConnections(port: number, clientPorts: readonly number[]): Promise<BlackHole> {
    return await BlackHole.#of(
      clientPorts.flatMap((client) => [
        ['sport', `${client}`, 'dport', `${port}`],
        ['sport', `${port}`, 'dport', `${client}`],
      ]),
    );
  }

  /** Packets arrive again, those that TCP repeats among them. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const rule of this.#rules.splice(0)) await command('ip', ['rule', 'delete', ...rule]);
  }

  static async #of(selectors: readonly string[][]): Promise<BlackHole> {
    await prepare();
    const hole = new BlackHole();
    for (const selector of selectors) {
      const rule = ['pref', '10', 'ipproto', 'tcp', ...selector, 'lookup', TABLE];
      await command('ip', ['rule', 'add', ...rule]);
      hole.#rules.push(rule);
    }
    return hole;
  }
}

/** Once per namespace: the link, the table, and room for a rule before that for local addresses. */
async function prepare(): Promise<void> {
  const links = await command('ip', ['-brief', 'link', 'show']);
  if (links.includes(`${LINK}@`)) return;
  await command('ip', ['link', 'add', LINK, 'type', 'veth', 'peer', 'name', `${LINK}-end`]);
  // Without an end that is up there is no carrier, and the route would not be taken.
  for (const name of [LINK, `${LINK}-end`])
    await command('ip', ['link', 'set', name, 'arp', 'off', 'up']);
  // The kernel refuses to route a local address out of a link, unless it is told otherwise.
  await writeFile(`/proc/sys/net/ipv4/conf/${LINK}/route_localnet`, '1');
  // New connections keep the address that they would have had.
  const route = ['default', 'dev', LINK, 'src', '127.0.0.1', 'table', TABLE];
  await command('ip', ['route', 'add', ...route]);
  await command('ip', ['rule', 'add', 'pref', '100', 'lookup', 'local']);
  await command('ip', ['rule', 'delete', 'pref', '0']);
}
