/** Who answers a ping from a sandbox. */
import { outcomeInSandbox, type Sandbox } from '../../../test/lab/runtime.ts';

/** A new neighbour is looked up with the first echo request, and a busy machine is slow. */
const ATTEMPTS = 5;

/** Addresses that answer none of some echo requests. */
export async function silentAddresses(
  sandbox: Sandbox,
  addresses: readonly string[],
): Promise<string[]> {
  const heard = await Promise.all(addresses.map((address) => hears(sandbox, address)));
  return addresses.filter((_, index) => !heard[index]);
}

async function hears(sandbox: Sandbox, address: string): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const words = ['-n', '-q', '-c', '1', '-W', '1', address];
    if ((await outcomeInSandbox(sandbox, 'ping', ...words)).exitCode === 0) return true;
  }
  return false;
}
