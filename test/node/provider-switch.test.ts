/** What becomes of the addresses on a provider network's bridge when ovs-vswitchd ends, and when the card goes. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import {
  BRIDGE,
  CARD,
  type Config,
  configOf,
  NETWORK,
  NOTHING,
  ProviderFixture,
  SOON,
} from './provider-fixture.ts';

let lab: ProviderFixture;
let original: Config;
beforeAll(async () => {
  lab = await ProviderFixture.start();
  original = await configOf(CARD);
  lab.network();
  await lab.ready();
});
afterAll(() => lab[Symbol.asyncDispose]());

async function isReached(): Promise<boolean> {
  const asked = lab.machine.run('ping', '-n', '-q', '-c', '1', '-W', '1', '192.0.2.10');
  return await asked.then(
    () => true,
    () => false,
  );
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'ovs-vswitchd that ends by %s takes no address with it',
  async (signal) => {
    await lab.fixture.node.killPart('ovs-vswitchd', signal);
    expect((await configOf(BRIDGE)).addresses).toEqual(original.addresses);
    await lab.fixture.node.startPart('ovs-vswitchd');
    await expect.poll(isReached, SOON).toBe(true);
    await expect.poll(() => configOf(BRIDGE), SOON).toEqual(original);
    expect(await configOf(CARD)).toEqual(NOTHING);
  },
);

test('a card that goes leaves the addresses on the bridge, and has them again when it is back and the network goes', async () => {
  await command('ip', ['link', 'delete', CARD]);
  await expect.poll(() => lab.labels(), SOON).toEqual({});
  expect((await configOf(BRIDGE)).addresses).toEqual(original.addresses);
  await command('ip', ['link', 'add', CARD, 'type', 'veth', 'peer', 'name', 'far1']);
  await command('ip', ['link', 'set', 'far1', 'up']);
  await lab.ready();
  await expect.poll(() => configOf(BRIDGE), SOON).toEqual(original);
  lab.fixture.api.delete('ProviderNetwork', NETWORK);
  await lab.gone();
  await expect.poll(() => configOf(CARD), SOON).toEqual(original);
});
