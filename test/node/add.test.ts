import { afterAll, beforeAll, expect, test } from 'vitest';
import { cni, inSandbox, outcomeInSandbox } from '../lab/runtime.ts';
import { Fixture, ovnConfig } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('an ADD makes an interface that reaches its gateway, and a DEL takes it away', async () => {
  const { sandbox, nic } = await fixture.pod();
  const added = await cni('ADD', sandbox, 'net1', ovnConfig());
  expect(added.exitCode, added.stdout).toBe(0);
  expect(added.result?.ips).toEqual([{ interface: 0, address: `${nic.ip}/16` }]);
  const ping = await outcomeInSandbox(sandbox, 'ping', '-c', '1', '-W', '2', '172.17.0.1');
  expect(ping.exitCode, ping.stdout).toBe(0);

  const deleted = await cni('DEL', sandbox, 'net1', ovnConfig());
  expect(deleted.exitCode, deleted.stdout).toBe(0);
  expect(await inSandbox(sandbox, 'ip', '-br', 'link')).not.toContain('net1');
});
