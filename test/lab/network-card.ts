/** A network card for the node, and the network that it is on. */
import { command } from './command.ts';

/** Name of the namespace of the router, for ip(8). */
export const ROUTER = 'router';

/** Makes the node's eth0, macvlan's master, on a wire to a router with the address 172.17.0.1. */
export async function makeNetworkCard(): Promise<void> {
  await command('ip', ['netns', 'add', ROUTER]);
  const wire = ['peer', 'name', 'wire', 'netns', ROUTER];
  await command('ip', ['link', 'add', 'eth0', 'up', 'type', 'veth', ...wire]);
  await command('ip', ['-n', ROUTER, 'address', 'add', '172.17.0.1/16', 'dev', 'wire']);
  await command('ip', ['-n', ROUTER, 'link', 'set', 'wire', 'up']);
}
