import { expect, it } from 'vitest';
import type { Nbctl } from '../../../../src/controller/ovn/nbctl.ts';
import { createNorthbound } from '../../../../src/controller/ovn/northbound.ts';
import { planPod } from '../../../../src/controller/ovn/pod-plan.ts';
import { planSwitch } from '../../../../src/controller/ovn/switch-plan.ts';
import { rowNamed } from './picture.ts';
import { failureOf, portOf, startDatabase, switchOf } from './support.ts';

/** The same, counting calls. */
function counted(nbctl: Nbctl): { nbctl: Nbctl; calls: () => number } {
  let calls = 0;
  return {
    nbctl: (commands) => {
      calls += 1;
      return nbctl(commands);
    },
    calls: () => calls,
  };
}

it('those who read at once share a read', async () => {
  const database = await startDatabase();
  const { nbctl, calls } = counted(database.nbctl);
  const northbound = createNorthbound(nbctl);
  const states = await Promise.all(Array.from({ length: 100 }, () => northbound.read()));
  expect(new Set(states).size).toBe(1);
  expect(calls()).toBe(1);
});

it('who comes while a read is under way gets the next one, which sees what was written', async () => {
  const database = await startDatabase();
  const { nbctl, calls } = counted(database.nbctl);
  const northbound = createNorthbound(nbctl);
  const first = northbound.read();
  await Promise.resolve();
  await first;
  await northbound.bring((state) => planSwitch(state, switchOf()));
  const running = northbound.read();
  // Its ovn-nbctl has been started, but not yet answered.
  await new Promise((resolve) => setImmediate(resolve));
  await database.by('ls-add', 'late');
  const later = await Promise.all([northbound.read(), northbound.read()]);
  expect((await running).switchesNamed('front')).toHaveLength(1);
  expect(later[0]).toBe(later[1]);
  expect(later[0]).not.toBe(await running);
  expect(later[0].switchesNamed('late')).toHaveLength(1);
  expect(calls()).toBe(5);
});

it('a read that fails fails for those who wait for it, and not for the next', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  await database.stopServer();
  const failures = await Promise.all([0, 1].map(() => failureOf(() => northbound.read())));
  expect(failures.map(({ reason }) => reason)).toEqual(['unreachable', 'unreachable']);
  await database.startServer();
  expect((await northbound.read()).switches.size).toBe(0);
});

it('objects that share a row are planned anew where one of them has made it', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  await northbound.bring((state) => planSwitch(state, switchOf()));
  const pods = Array.from({ length: 8 }, (_, index) => ({
    key: `shop/web-${index}`,
    port: portOf(`10.1.0.${index + 5}`, { name: `web-${index}.shop`, groups: ['web'] }),
  }));
  await Promise.all(
    pods.map(({ key, port }) => northbound.bring((state) => planPod(state, key, [port]))),
  );
  const group = await rowNamed(database, 'Port_Group', 'ovn.sg.kubeovn_deny_all');
  expect(group.ports).toEqual(pods.map(({ port }) => port.name));
  expect(group.acls).toHaveLength(2);
});

it('a plan that is always refused is given up, with the reason', async () => {
  const database = await startDatabase();
  const { nbctl, calls } = counted(database.nbctl);
  const northbound = createNorthbound(nbctl);
  const transactions = [
    ['--', '--may-exist', 'ls-add', 'one'],
    ['--', 'lsp-add', 'nowhere', 'port'],
    ['--', 'ls-add', 'two'],
  ];
  const failure = await failureOf(() => northbound.bring(() => ({ transactions, kept: [] })));
  expect(failure.reason).toBe('refused');
  expect(failure.message).toContain('nowhere');
  expect(calls()).toBe(5 * 3);
  const names = [...(await northbound.read()).switches.values()].map(({ name }) => name);
  expect(names).toEqual(['one']);
});
