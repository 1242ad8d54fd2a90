import { expect, it } from 'vitest';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import type { Nbctl } from '../../../../src/controller/ovn/nbctl.ts';
import { createNorthbound } from '../../../../src/controller/ovn/northbound.ts';
import type { NbState } from '../../../../src/controller/ovn/state.ts';
import {
  failureOf,
  groupOf,
  NOTHING,
  portOf,
  switchOf,
} from '../../../unit/controller/ovn/support.ts';
import { startDatabase } from './database.ts';
import { rowNamed } from './picture.ts';

type PodPort = ReturnType<typeof podsOf>[number];

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

/** Pods with a port each on Subnet front. */
function podsOf(count: number, groups: readonly string[] = []) {
  return Array.from({ length: count }, (_, index) => ({
    key: `shop/web-${index}`,
    port: portOf(`10.1.0.${index + 5}`, { name: `web-${index}.shop`, groups }),
  }));
}

it('those who come at once share a read', async () => {
  const database = await startDatabase();
  const { nbctl, calls } = counted(database.nbctl);
  const northbound = createNorthbound(nbctl);
  await northbound.bring((state) => planSwitch(state, switchOf()));
  const before = calls();
  const plans = podsOf(20).map(
    ({ key, port }) =>
      (state: NbState) =>
        planPod(state, key, [port]),
  );
  await Promise.all(plans.map((plan) => northbound.bring(plan)));
  expect(calls() - before).toBe(1 + 20);
  expect((await northbound.read()).switchPorts.size).toBe(20);
});

it('who comes while a round is under way is of the next one, which sees what was written', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  const seen: number[] = [];
  const look = (state: NbState) => {
    seen.push(state.switches.size);
    return NOTHING;
  };
  const first = northbound.bring(look);
  // Its read has been started, but is not answered yet.
  await new Promise((resolve) => setImmediate(resolve));
  await database.by('ls-add', 'late');
  await Promise.all([northbound.bring(look), northbound.bring(look), first]);
  expect(seen.slice(1)).toEqual([1, 1]);
});

it('thousands who have nothing to do are one read', async () => {
  const database = await startDatabase();
  const { nbctl, calls } = counted(database.nbctl);
  const northbound = createNorthbound(nbctl);
  let planned = 0;
  const plan = () => {
    planned += 1;
    return NOTHING;
  };
  const results = Array.from({ length: 5000 }, () => northbound.bring(plan));
  expect(await Promise.all(results)).toHaveLength(5000);
  expect({ calls: calls(), planned }).toEqual({ calls: 1, planned: 5000 });
});

it('something else runs while thousands of plans are made', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  let planned = 0;
  const seen = new Set<number>();
  const plan = () => {
    // Its turn comes only where the plans let it.
    if (planned % 50 === 0) setImmediate(() => seen.add(planned));
    planned += 1;
    return NOTHING;
  };
  await Promise.all(Array.from({ length: 1000 }, () => northbound.bring(plan)));
  expect(seen.size).toBeGreaterThan(10);
});

it('a round has 64 writes, and those beyond it are not forgotten', async () => {
  const database = await startDatabase();
  await database.bring((state) => planSwitch(state, switchOf()));
  /** How many writes came after each read. */
  const rounds: number[] = [];
  const northbound = createNorthbound((commands) => {
    if (commands.includes('create')) rounds.push((rounds.pop() ?? 0) + 1);
    else rounds.push(0);
    return database.nbctl(commands);
  });
  const order: string[] = [];
  const plans = podsOf(150).map(async ({ key, port }) => {
    await northbound.bring((state) => planPod(state, key, [port]));
    order.push(key);
  });
  await Promise.all(plans);
  expect(rounds).toEqual([64, 64, 22]);
  expect((await northbound.read()).switchPorts.size).toBe(150);
  // Who came first is served first.
  expect(order.slice(0, 64)).toContain('shop/web-0');
  expect(order.slice(128)).toContain('shop/web-149');
});

it('no more than eight writes run at a time', async () => {
  const database = await startDatabase();
  await database.bring((state) => planSwitch(state, switchOf()));
  let running = 0;
  let most = 0;
  const northbound = createNorthbound(async (commands) => {
    running += 1;
    most = Math.max(most, running);
    try {
      return await database.nbctl(commands);
    } finally {
      running -= 1;
    }
  });
  const plans = podsOf(30).map(({ key, port }) =>
    northbound.bring((state) => planPod(state, key, [port])),
  );
  await Promise.all(plans);
  expect(most).toBe(8);
});

it('a read that fails fails for those who wait for it, and not for the next', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  await database.stopServer();
  const failures = await Promise.all(
    [0, 1].map(() => failureOf(() => northbound.bring(() => NOTHING))),
  );
  expect(failures.map(({ reason }) => reason)).toEqual(['unreachable', 'unreachable']);
  await database.startServer();
  expect((await northbound.read()).switches.size).toBe(0);
});

it('an error in one plan is its own', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  const [failure] = await Promise.all([
    failureOf(() => northbound.bring((state) => planPod(state, 'shop/web-0', [portOf()]))),
    northbound.bring((state) => planSwitch(state, switchOf())),
  ]);
  expect(failure.reason).toBe('missing');
  expect((await northbound.read()).switchesNamed('front')).toHaveLength(1);
});

it('pods that make the group that denies all do not do so twice', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  await northbound.bring((state) => planSwitch(state, switchOf()));
  const pods = podsOf(8, ['web']);
  const plans = pods.map(
    ({ key, port }) =>
      (state: NbState) =>
        planPod(state, key, [port]),
  );
  await Promise.all(plans.map((plan) => northbound.bring(plan)));
  const group = await rowNamed(database, 'Port_Group', 'ovn.sg.kubeovn_deny_all');
  expect(group.ports).toEqual(pods.map(({ port }) => port.name));
  expect(group.acls).toHaveLength(2);
});

it('an address that goes from one pod to another of its group stays in the set', async () => {
  const database = await startDatabase();
  const northbound = createNorthbound(database.nbctl);
  await northbound.bring((state) => planSwitch(state, switchOf()));
  await northbound.bring((state) => planSecurityGroup(state, groupOf('web')));
  const [first, second] = podsOf(2, ['web']) as [PodPort, PodPort];
  await northbound.bring((state) => planPod(state, first.key, [first.port]));
  const heir = { ...second.port, addresses: first.port.addresses };
  await Promise.all([
    northbound.bring((state) => planPod(state, first.key, [])),
    northbound.bring((state) => planPod(state, second.key, [heir])),
  ]);
  const set = await rowNamed(database, 'Address_Set', 'ovn.sg.web.associated.v4');
  expect(set.addresses).toEqual(['10.1.0.5']);
});

it('what has been written meanwhile is planned for', async () => {
  const database = await startDatabase();
  let isFirst = true;
  const northbound = createNorthbound(async (commands) => {
    if (isFirst && commands.includes('create')) {
      isFirst = false;
      // Another leader, which does not know yet that it is none.
      await database.bring((state) => planSwitch(state, switchOf({ name: 'back' })));
      const port = portOf('10.1.0.9', { subnet: 'back' });
      await database.bring((state) => planPod(state, 'shop/web-0', [port]));
    }
    return await database.nbctl(commands);
  });
  await database.bring((state) => planSwitch(state, switchOf()));
  await northbound.bring((state) => planPod(state, 'shop/web-0', [portOf()]));
  const port = await rowNamed(database, 'Logical_Switch_Port', portOf().name);
  expect(port.addresses).toEqual(['02:00:00:00:01:05 10.1.0.5']);
  expect(await rowNamed(database, 'Logical_Switch', 'back')).not.toHaveProperty('ports');
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
  const failure = await failureOf(() => northbound.bring(() => ({ ...NOTHING, transactions })));
  expect(failure.reason).toBe('refused');
  expect(failure.message).toContain('nowhere');
  expect(calls()).toBe(5 * 3);
  const names = [...(await northbound.read()).switches.values()].map(({ name }) => name);
  expect(names).toEqual(['one']);
});
