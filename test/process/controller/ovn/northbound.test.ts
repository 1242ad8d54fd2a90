import { spawnSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CommandSeen } from '../../../../src/common/ovs-commands.ts';
import { planPod } from '../../../../src/controller/kinds/pod/pod-plan.ts';
import { planSecurityGroup } from '../../../../src/controller/kinds/security-group/security-group-plan.ts';
import { planSwitch } from '../../../../src/controller/kinds/subnet/switch-plan.ts';
import type { Planner } from '../../../../src/controller/ovn/northbound.ts';
import type { OpenOptions } from '../../../../src/controller/ovn/open.ts';
import { newTransactionBuilder } from '../../../../src/controller/ovn/transaction-builder.ts';
import { OvsdbCluster } from '../../../lab/ovsdb-server.ts';
import {
  failureOf,
  groupOf,
  NOTHING,
  portOf,
  switchOf,
} from '../../../unit/controller/ovn/support.ts';
import { type NbDatabase, open, startDatabase } from './database.ts';
import { rowNamed, rowsOf } from './picture.ts';

type PodPort = ReturnType<typeof podsOf>[number];

/** A database with switch `front`, and a session of it whose transactions are counted. */
async function setUp(options: Partial<OpenOptions> = {}) {
  const database = await startDatabase();
  await database.apply((state) => planSwitch(state, switchOf()));
  const transactions: CommandSeen[] = [];
  const observe = (seen: CommandSeen) => void transactions.push(seen);
  const northbound = open(database.remote, { observe, ...options });
  await northbound.ready();
  return { database, northbound, transactions };
}

/** Pods with a port each on Subnet front. */
function podsOf(count: number, groups: readonly string[] = []) {
  return Array.from({ length: count }, (_, index) => ({
    key: `shop/web-${index}`,
    port: portOf(`10.1.0.${index + 5}`, { name: `web-${index}.shop`, groups }),
  }));
}

const planOf =
  ({ key, port }: PodPort): Planner =>
  (state) =>
    planPod(state, key, [port]);

/** A plan that, the first time that it is made, is old when it gets to the database. */
function overtaken(database: NbDatabase, plan: Planner, others: readonly string[]): Planner {
  let isFirst = true;
  return (state) => {
    const made = plan(state);
    // The server does the other's transaction before it hears of this one.
    if (isFirst) runSync(database, others);
    isFirst = false;
    return made;
  };
}

function runSync(database: NbDatabase, words: readonly string[]): void {
  const { status, stderr } = spawnSync('ovn-nbctl', [`--db=${database.remote}`, ...words]);
  if (status !== 0) throw new Error(String(stderr));
}

async function portNames(database: NbDatabase): Promise<string[]> {
  return [...(await database.read()).switchPorts.values()].map(({ name }) => name).sort();
}

describe('plans that come at once', () => {
  it('share a transaction, and see what it has changed when it is done', async () => {
    const { northbound, transactions } = await setUp();
    await Promise.all(podsOf(20).map((pod) => northbound.apply(planOf(pod))));
    expect(northbound.state.switchPorts.size).toBe(20);
    // A turn of a busy machine ends before all plans are made.
    expect(transactions.length).toBeLessThan(10);
    expect(transactions[0]).toEqual({
      db: 'ovn-nb',
      method: 'transact',
      succeeded: true,
      ms: expect.any(Number),
    });
  });

  it('come together while a transaction is under way, in one that follows it', async () => {
    const { northbound, transactions } = await setUp();
    const seen: number[] = [];
    const [first, ...others] = podsOf(10) as [PodPort, ...PodPort[]];
    const one = northbound.apply(planOf(first));
    await new Promise((resolve) => setImmediate(resolve));
    const rest = others.map((pod) =>
      northbound.apply((state) => {
        seen.push(state.switchPorts.size);
        return planOf(pod)(state);
      }),
    );
    await Promise.all([one, ...rest]);
    expect(transactions.length).toBeLessThan(6);
    expect(Math.min(...seen)).toBe(1);
  });

  it('that have nothing to do cost no transaction, and leave turns to others', async () => {
    const { northbound, transactions } = await setUp();
    let planned = 0;
    const seen = new Set<number>();
    const plan = () => {
      const until = performance.now() + 0.2;
      while (performance.now() < until);
      // Its turn comes only where the plans let it.
      if (planned % 50 === 0) setImmediate(() => seen.add(planned));
      planned += 1;
      return NOTHING;
    };
    const all = Array.from({ length: 2000 }, () => northbound.apply(plan));
    expect(await Promise.all(all)).toHaveLength(2000);
    expect({ planned, transactions }).toEqual({ planned: 2000, transactions: [] });
    expect(seen.size).toBeGreaterThan(10);
  });

  it('are as many as a transaction holds, and those beyond it are not forgotten', async () => {
    const { northbound, transactions } = await setUp();
    const order: string[] = [];
    const plans = podsOf(150).map(async (pod) => {
      await northbound.apply(planOf(pod));
      order.push(pod.key);
    });
    await Promise.all(plans);
    expect(transactions.length).toBeGreaterThanOrEqual(3);
    expect(northbound.state.switchPorts.size).toBe(150);
    // Who came first is served first.
    expect(order).toEqual(podsOf(150).map(({ key }) => key));
  });

  it('make the group that denies all once', async () => {
    const { database, northbound } = await setUp();
    const pods = podsOf(8, ['web']);
    await Promise.all(pods.map((pod) => northbound.apply(planOf(pod))));
    const group = await rowNamed(database, 'Port_Group', 'ovn.sg.kubeovn_deny_all');
    expect(group.ports).toEqual(pods.map(({ port }) => port.name));
    expect(group.acls).toHaveLength(2);
  });

  it('keep an address in the set that goes from one pod of a group to another', async () => {
    const { database, northbound } = await setUp();
    await northbound.apply((state) => planSecurityGroup(state, groupOf('web')));
    const [first, second] = podsOf(2, ['web']) as [PodPort, PodPort];
    await northbound.apply(planOf(first));
    const heir = { ...second.port, addresses: first.port.addresses };
    await Promise.all([
      northbound.apply((state) => planPod(state, first.key, [])),
      northbound.apply((state) => planPod(state, second.key, [heir])),
    ]);
    const set = await rowNamed(database, 'Address_Set', 'ovn.sg.web.associated.v4');
    expect(set.addresses).toEqual(['10.1.0.5']);
  });
});

describe('a plan that fails', () => {
  it('by itself fails alone', async () => {
    const { database, northbound } = await setUp();
    const astray = portOf('10.2.0.5', { subnet: 'back' });
    const [failure] = await Promise.all([
      failureOf(() => northbound.apply((state) => planPod(state, 'shop/astray', [astray]))),
      ...podsOf(3).map((pod) => northbound.apply(planOf(pod))),
    ]);
    expect(failure.reason).toBe('missing');
    expect(await portNames(database)).toEqual(['web-0.shop', 'web-1.shop', 'web-2.shop']);
  });

  it('since its switch has just gone is made anew, and takes no other down', async () => {
    const { database, northbound, transactions } = await setUp();
    await northbound.apply((state) => planSwitch(state, switchOf({ name: 'back' })));
    transactions.length = 0;
    const astray = { key: 'shop/astray', port: portOf('10.2.0.5', { subnet: 'back' }) };
    const [failure] = await Promise.all([
      failureOf(() => northbound.apply(overtaken(database, planOf(astray), ['ls-del', 'back']))),
      ...podsOf(3).map((pod) => northbound.apply(planOf(pod))),
    ]);
    expect(failure.reason).toBe('missing');
    expect(await portNames(database)).toEqual(['web-0.shop', 'web-1.shop', 'web-2.shop']);
    expect(transactions.filter(({ succeeded }) => !succeeded)).toHaveLength(1);
  });

  it('since somebody else has just taken its name takes no other down', async () => {
    const { database, northbound } = await setUp();
    const [first, ...others] = podsOf(4) as [PodPort, ...PodPort[]];
    const foreign = ['lsp-add', 'front', first.port.name];
    const [failure] = await Promise.all([
      failureOf(() => northbound.apply(overtaken(database, planOf(first), foreign))),
      ...others.map((pod) => northbound.apply(planOf(pod))),
    ]);
    expect(failure.reason).toBe('taken');
    expect(await portNames(database)).toHaveLength(4);
  });

  it('since somebody else has moved its port is made for where that is now', async () => {
    const { database, northbound } = await setUp();
    const [pod] = podsOf(1) as [PodPort];
    await northbound.apply(planOf(pod));
    const moved = { ...pod, port: { ...pod.port, addresses: portOf('10.1.0.77').addresses } };
    const name = pod.port.name;
    const others = ['set', 'Logical_Switch_Port', name, 'external_ids:mine=1', 'options:x=1'];
    await northbound.apply(overtaken(database, planOf(moved), others));
    const port = await rowNamed(database, 'Logical_Switch_Port', name);
    expect(port).toMatchObject({
      addresses: ['02:00:00:00:01:05 10.1.0.77'],
      external_ids: { mine: '1' },
      options: { x: '1' },
    });
  });

  it('always is given up with the reason, and the others are carried out', async () => {
    const { database, northbound, transactions } = await setUp();
    const wrong: Planner = () => {
      const builder = newTransactionBuilder();
      builder.create('Port_Group', { name: 'one', nothing: 1 });
      return builder.done();
    };
    const [failure] = await Promise.all([
      failureOf(() => northbound.apply(wrong)),
      ...podsOf(3).map((pod) => northbound.apply(planOf(pod))),
    ]);
    expect(failure.reason).toBe('refused');
    expect(failure.message).toContain('insert into Port_Group one: unknown column');
    expect(transactions.filter(({ succeeded }) => !succeeded)).toHaveLength(5);
    expect(await portNames(database)).toHaveLength(3);
    expect(await rowsOf(database, 'Port_Group')).toEqual([]);
  });

  it.each(['a\0b', '\ud83d'])('since %j is in it costs no connection', async (text) => {
    const { database, northbound } = await setUp();
    const acl = {
      direction: 'to-lport',
      priority: 1,
      action: 'drop',
      tier: 2,
      match: text,
    } as const;
    const [failure] = await Promise.all([
      failureOf(() => northbound.apply((state) => planSwitch(state, switchOf({ acls: [acl] })))),
      northbound.apply((state) => planSecurityGroup(state, groupOf('web'))),
    ]);
    expect(failure.reason).toBe('refused');
    expect(failure.message).toContain('null characters or halves of surrogate pairs');
    expect(northbound.failure).toBeUndefined();
    await rowNamed(database, 'Port_Group', 'ovn.sg.web');
  });
});

describe('a database that is out of reach', () => {
  it('is waited for, and then fails those who wait; when it is back, that is told', async () => {
    let backs = 0;
    const { database, northbound } = await setUp({ graceMs: 300 });
    northbound.onBack(() => {
      backs += 1;
    });
    await database.stopServer();
    await expect.poll(() => northbound.failure).toBeDefined();
    const failures = await Promise.all(
      [0, 1].map(() => failureOf(() => northbound.apply(() => NOTHING))),
    );
    expect(failures.map(({ reason }) => reason)).toEqual(['unreachable', 'unreachable']);
    expect(failures[0]?.message).toContain(`no connection to database OVN_Northbound`);
    expect(failures[0]?.details).toContain(`ovn-nbctl --db=${database.remote} show`);
    expect(backs).toBe(0);
    await database.startServer();
    await expect.poll(() => backs).toBe(1);
    expect(northbound.failure).toBeUndefined();
    await northbound.apply(() => NOTHING);
  });

  it('may restart in the middle of a transaction: it is carried out once', async () => {
    const { database, northbound } = await setUp();
    database.server.signal('SIGSTOP');
    const pods = podsOf(5);
    const brought = Promise.all(pods.map((pod) => northbound.apply(planOf(pod))));
    await new Promise((resolve) => setImmediate(resolve));
    await database.server.end('SIGKILL');
    await database.startServer();
    await brought;
    expect(await portNames(database)).toEqual(pods.map(({ port }) => port.name));
  });

  it('may be a cluster whose leader is killed: plans go to the next one', async () => {
    const cluster = await OvsdbCluster.start();
    onTestFinished(() => cluster[Symbol.asyncDispose]());
    const northbound = open(cluster.remotes, { graceMs: 60_000 });
    await northbound.ready();
    await northbound.apply((state) => planSwitch(state, switchOf()));
    const pods = podsOf(200);
    const brought = pods.map((pod) => northbound.apply(planOf(pod)));
    await brought[0];
    const leader = await cluster.leader();
    await leader.end('SIGKILL');
    await Promise.all(brought);
    await northbound.barrier();
    const names = [...northbound.state.switchPorts.values()].map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(pods.map(({ port }) => port.name)));
    expect(names).toHaveLength(pods.length);
  });

  it('is not written to by who may not any more', async () => {
    let isOver = false;
    const guard = () => {
      if (isOver) throw new Error('another one leads');
    };
    const { database, northbound } = await setUp({ guard });
    isOver = true;
    const [pod] = podsOf(1) as [PodPort];
    await expect(northbound.apply(planOf(pod))).rejects.toThrow('another one leads');
    expect(await portNames(database)).toEqual([]);
  });

  it('fails those who wait at once, with the reason, where the session is ended', async () => {
    const ending = new AbortController();
    const { database, northbound } = await setUp({ signal: ending.signal });
    database.server.signal('SIGSTOP');
    const [pod] = podsOf(1) as [PodPort];
    const brought = northbound.apply(planOf(pod));
    await new Promise((resolve) => setImmediate(resolve));
    ending.abort(new Error('the Lease is lost'));
    await expect(brought).rejects.toThrow('the Lease is lost');
    database.server.signal('SIGCONT');
  });
});
