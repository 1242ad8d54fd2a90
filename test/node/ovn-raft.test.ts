/** Three databases that elect a leader, by the start scripts of the component ovn-raft. */
import { readFile, rm } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Central, type CentralNode } from '../lab/ovn-central.ts';

/** An election takes some seconds. */
const LONG = 120_000;

let central: Central;
beforeEach(async () => {
  central = await Central.create({ members: 3 });
});
afterEach(() => central[Symbol.asyncDispose]());

async function leaderOf(part: string): Promise<CentralNode> {
  const name = part === 'nb' ? 'OVN_Northbound' : 'OVN_Southbound';
  for (const node of central.nodes) {
    const status = await node.control(part, 'cluster/status', name).catch(() => '');
    if (/^Role: leader$/m.test(status)) return node;
  }
  throw new Error('there is no leader');
}

async function serversOf(node: CentralNode): Promise<string[]> {
  const status = await node.control('nb', 'cluster/status', 'OVN_Northbound');
  return [...status.matchAll(/ at (tcp:[^)]+)\)/g)].map(([, address = '']) => address);
}

test(
  'clients find the leader, and the next one when it is gone; it comes back as it was',
  async () => {
    await central.found();
    await central.nbctl('--wait=sb', 'ls-add', 'one');
    const leader = await leaderOf('nb');
    await leader.stop('SIGKILL');
    const add = () =>
      central.nbctl('--wait=sb', '--may-exist', 'ls-add', 'two').then(
        () => true,
        () => false,
      );
    await expect.poll(add, { timeout: 60_000, interval: 500 }).toBe(true);
    leader.startAll();
    await leader.works();
    expect(await serversOf(leader)).toHaveLength(3);
    expect(
      (await central.nbctl('--bare', '--columns=name', 'list', 'Logical_Switch'))
        .split('\n')
        .filter(Boolean)
        .toSorted(),
    ).toEqual(['one', 'two']);
  },
  LONG,
);

test(
  'a founder founds no cluster before all others say that they have none',
  async () => {
    const script = central.node(1).start('nb');
    expect(await script.ended()).toBe(1);
    expect(script.log.join('\n')).toContain(
      'no cluster is founded yet: 10.9.0.2 10.9.0.3 may belong to one',
    );
  },
  LONG,
);

test(
  'a founder that lost its file joins the cluster that is there, and counts once',
  async () => {
    await central.found();
    await central.nbctl('--wait=sb', 'ls-add', 'one');
    const founder = central.node(1);
    await founder.stop('SIGKILL');
    await rm(`${founder.folder}/db`, { recursive: true });
    founder.startAll();
    await founder.works();
    expect(founder.script('nb').log.join('\n')).toContain('joining the cluster');
    await expect.poll(() => serversOf(central.node(2)), { timeout: 50_000 }).toHaveLength(3);
    expect(founder.script('northd').logLines('removing the former member')).toHaveLength(2);
  },
  LONG,
);

test(
  'a database that was alone becomes a cluster’s, with what it had, and stays beside it',
  async () => {
    const founder = central.node(1);
    founder.startAll({ RAFT_IPS: '', OVN_DB_IPS: founder.address });
    await founder.works();
    const alone = new Set((await readFile(`${founder.folder}/db/ovnnb_db.db`, 'utf8')).split('\n'));
    expect(alone.size).toBeGreaterThan(1);
    await founder.stop();
    await central.found();
    expect(await central.nbctl('get-connection')).toContain('ptcp:6641:0.0.0.0');
    await expect(readFile(`${founder.folder}/db/ovnnb_db.db.alone`, 'utf8')).resolves.toContain(
      'Connection',
    );
  },
  LONG,
);

test(
  'a node that is not among the addresses is refused, and so is a member whose address changed',
  async () => {
    const stranger = central.node(3).start('nb', { RAFT_IPS: '10.9.0.1,10.9.0.2,10.9.0.4' });
    expect(await stranger.ended()).toBe(1);
    expect(stranger.log.join('\n')).toContain(
      'does not list this node’s address'.replace('’', "'"),
    );
    await central.found();
    const member = central.node(3);
    await member.stop();
    const moved = member.start('nb', { POD_IP: '10.9.0.2' });
    expect(await moved.ended()).toBe(1);
    expect(moved.log.join('\n')).toContain(
      'is of the member tcp:[10.9.0.3]:6643, and this is tcp:[10.9.0.2]:6643',
    );
  },
  LONG,
);
