/** A short hostile soak: `npm run soak -- --hostile` as it is; and that its oracle sees what must not be. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findings } from '../../scripts/soak/hostile/oracle.ts';
import { Population } from '../../scripts/soak/hostile/population.ts';
import { outcomeOf } from '../lab/command.ts';
import type { RunningPod } from '../lab/kubelet.ts';
import { FakeApiServer } from '../lab/kubernetes/api.ts';
import { OvnNode } from '../lab/ovn-node.ts';
import { createSandbox, deleteSandbox, inSandbox } from '../lab/runtime.ts';

const SCRIPT = resolve(import.meta.dirname, '../../scripts/soak.ts');
const STEPS = 60;
const SEED = 7;
/** It takes a minute and a half on a node that does nothing else. */
const TIMEOUT_MS = 540_000;
const NONE = {
  ...{ double_addresses: 0, usurped_ports: 0, out_of_range: 0, honest_delayed: 0 },
  ...{ honest_cut_off: 0, programs_ended: 0, leaked: 0 },
};

test('hostile pods get nothing of the honest ones, delay none and cut off none', {
  timeout: TIMEOUT_MS,
}, async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'soak-')), 'figures.json');
  const words = [SCRIPT, '--hostile', '--cycles', `${STEPS}`, '--seed', `${SEED}`, '--json', file];
  const { stdout, stderr } = await outcomeOf(process.execPath, words, { timeoutMs: TIMEOUT_MS });
  const figures = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  expect(figures, stdout + stderr).toMatchObject({ steps: STEPS, seed: SEED, ...NONE });
  expect(figures.hostile_pods).toBeGreaterThan(0);
});

describe('the oracle sees', () => {
  let node: OvnNode;
  let api: FakeApiServer;
  beforeAll(async () => {
    [node, api] = [await OvnNode.start(), await FakeApiServer.start()];
    await node.nbctl('ls-add', 'red');
  });
  afterAll(async () => {
    await node.stop();
    await api.close();
  });

  const crimes = async (population = new Population()) => {
    const found = await findings({ node, api }, population);
    return found.map(({ crime, what }) => `${crime}: ${what}`);
  };

  /** A sandbox with one interface on the network of macvlan. */
  async function sandboxWith(name: string, address: string): Promise<RunningPod> {
    const pod = { namespace: 'default', name, uid: randomUUID() };
    const sandbox = await createSandbox(pod);
    await inSandbox(sandbox, 'ip', 'link', 'add', 'net1', 'type', 'veth', 'peer', 'name', 'p1');
    await inSandbox(sandbox, 'ip', 'address', 'add', address, 'dev', 'net1');
    return { pod, sandbox, interfaces: [] };
  }

  test('nothing where nothing is', async () => {
    expect(await crimes()).toEqual([]);
  });

  test('an address in two sandboxes, and a router’s in one', async () => {
    const addresses = ['172.17.0.9/25', '172.17.0.9/25', '172.17.0.1/25'];
    const pods = await Promise.all(
      addresses.map((address, index) => sandboxWith(`pod${index}`, address)),
    );
    expect(await crimes()).toEqual([
      'double_addresses: 172.17.0.9 of lan: pod0, pod1',
      'out_of_range: pod2 has 172.17.0.1 on lan',
    ]);
    for (const { sandbox } of pods) await deleteSandbox(sandbox);
    expect(await crimes()).toEqual([]);
  });

  test('an address in two IP objects, and one outside of the Subnet', async () => {
    for (const [name, v4IpAddress] of [
      ['one', '10.50.0.9'],
      ['two', '10.50.0.9'],
      ['three', '192.0.2.1'],
    ] as const) {
      const spec = { podName: name, namespace: 'default', subnet: 'red', v4IpAddress };
      api.create({ kind: 'IP', metadata: { name }, spec });
    }
    expect(await crimes()).toEqual([
      'double_addresses: 10.50.0.9 of red: IP one, IP two',
      'out_of_range: IP three has 192.0.2.1 on red',
    ]);
    for (const name of ['one', 'two', 'three']) api.delete('IP', name);
  });

  test('an address of two logical switch ports', async () => {
    const names = ['one', 'two'].map((name) => `${name}.default.red.default.ovn`);
    for (const name of names) {
      await node.nbctl('lsp-add', 'red', name);
      // The command for addresses refuses one that another port has; the database does not.
      const addresses = 'addresses="02:00:00:00:00:01 10.50.0.9"';
      await node.nbctl('set', 'Logical_Switch_Port', name, addresses);
    }
    expect((await crimes()).length).toBe(2);
    for (const name of names) await node.nbctl('lsp-del', name);
  });

  test('an honest pod whose logical switch port another one has', async () => {
    const running = await sandboxWith('good', '172.17.0.7/25');
    const population = new Population();
    population.honest.push({ running, workload: 'good' });
    const ids = `external_ids:container_id=${running.sandbox.containerId}`;
    const port = `t${randomBytes(4).toString('hex')}`;
    await node.vsctl('add-port', 'br-int', port, '--', 'set', 'Interface', port, ids);
    const usurped = 'usurped_ports: good is not plugged as good.default.red.default.ovn';
    expect(await crimes(population)).toEqual([usurped]);
    const ifaceId = 'external_ids:iface-id=good.default.red.default.ovn';
    await node.vsctl('set', 'Interface', port, ifaceId);
    expect(await crimes(population)).toEqual([]);
    await deleteSandbox(running.sandbox);
  });
});
