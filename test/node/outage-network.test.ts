/**
 * The network swallows what the API server says: connections are not broken, nothing is refused,
 * and nothing ever comes. Only TCP's own probes tell.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { canPing, mustAdd, mustDelete, startAdd } from './observe.ts';

const COLLECTIONS = 5;
const LOST = 'lost touch with the API server';
const BACK = 'back in touch with the API server';
/** For the node's network policy to swallow packets: before the rule for local addresses. */
const RULE = ['pref', '10', 'ipproto', 'tcp', 'sport'];

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=80']);
  // The kernel's rule for local addresses makes room for one before it.
  await command('ip', ['rule', 'add', 'pref', '100', 'lookup', 'local']);
  await command('ip', ['rule', 'delete', 'pref', '0']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('known pods come and go meanwhile; it is noticed, and new pods come when it is over', async () => {
  const { api, daemon } = fixture;
  await api.watches.waitForCount(COLLECTIONS);
  const { sandbox: known } = await fixture.pod();
  await mustAdd(known, 'net1', ovnConfig());
  const rule = [...RULE, new URL(api.url).port, 'blackhole'];
  await command('ip', ['rule', 'add', ...rule]);
  await mustDelete(known, 'net1', ovnConfig());
  const { sandbox } = await fixture.pod();
  const adding = await startAdd(sandbox, 'net1', ovnConfig());
  const startedMs = performance.now();
  // Probes after 30 s, and ten of them; an idle watch would be given up after 90 s only.
  await daemon.logged(LOST);
  expect(performance.now() - startedMs).toBeLessThan(60_000);
  await mustAdd(known, 'net1', ovnConfig());
  await command('ip', ['rule', 'delete', ...rule]);
  const { exitCode, stdout } = await adding.outcome;
  expect(exitCode, stdout).toBe(0);
  await daemon.logged(BACK);
  expect(daemon.logLines(LOST)).toHaveLength(1);
  expect(await canPing(known, '172.17.0.1')).toBe(true);
}, 300_000);
