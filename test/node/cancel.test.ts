/** ADDs that end before their deadline, since nobody needs them any more. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allocationAnnotations, type NicPlan } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import { createSandbox, type Sandbox } from '../lab/runtime.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import {
  type Census,
  census,
  expectNode,
  failedAdd,
  hostName,
  interfacesOf,
  mustAdd,
  mustDelete,
  portAppears,
  type RunningCall,
  startAdd,
  Tap,
} from './observe.ts';

const TAP = '/run/tap.sock';
/** "Quickly": far from the deadline. */
const QUICK_MS = 2000;

let fixture: Fixture;
let tap: Tap;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=30']);
  tap = await Tap.start(TAP, SOCKET);
});
afterAll(async () => {
  await tap[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

interface Stuck {
  readonly pod: Sandbox['pod'];
  readonly sandbox: Sandbox;
  readonly nic: NicPlan;
  readonly add: RunningCall;
}

/** Until where an ADD comes that cannot go on. */
const STAGES: Readonly<Record<string, () => Promise<Stuck>>> = {
  'has no address yet': async () => {
    const made = await fixture.pod({ nic: () => undefined });
    const tapped = ovnConfig({ server_socket: TAP });
    return { ...made, add: await tap.passedOn(() => startAdd(made.sandbox, 'net1', tapped)) };
  },
  'has its port and waits for its flows': async () => {
    const made = await fixture.pod({ nic: () => undefined });
    const nic = { ...made.nic, more: { ingress_rate: '5', egress_rate: '5' } };
    fixture.cluster.writeIp(made.pod, nic);
    fixture.cluster.annotate(made.pod, allocationAnnotations(nic));
    const add = await startAdd(made.sandbox, 'net1', ovnConfig());
    await portAppears(hostName(made.sandbox, 'net1'));
    return { ...made, nic, add };
  },
  'asks a gateway that is silent': async () => {
    const { name, mac } = fixture.next();
    const pod = fixture.cluster.createPod(name);
    const subnet = { ...fixture.attachnet, gateway: '172.17.255.1' };
    const nic = { provider: subnet.provider, subnet, ip: `172.17.9.${name.slice(4)}`, mac };
    await fixture.cluster.allocate(pod, nic);
    const sandbox = await createSandbox(pod);
    const add = await startAdd(sandbox, 'net1', ovnConfig());
    await portAppears(hostName(sandbox, 'net1'));
    return { pod, sandbox, nic, add };
  },
};

describe.each(Object.keys(STAGES))('an ADD that %s', (stage) => {
  let before: Census;
  let stuck: Stuck;
  beforeEach(async () => {
    before = await census(fixture.node);
    stuck = await (STAGES[stage] as () => Promise<Stuck>)();
  });
  /** Everything is as before, but for the sandbox, which is the runtime's. */
  afterEach(() => expectNode(fixture.node, before));

  /** The ADD fails soon after `cause`, with this error. */
  async function expectEnd(cause: () => void | Promise<void>, code: number, message: string) {
    const startedMs = performance.now();
    await cause();
    const { exitCode, result } = await stuck.add.outcome;
    expect(performance.now() - startedMs).toBeLessThan(QUICK_MS);
    expect(exitCode).not.toBe(0);
    expect(result).toMatchObject({ code });
    expect(result?.msg).toContain(message);
  }

  test('ends when its pod begins to be deleted', async () => {
    const key = `default/${stuck.pod.name}`;
    await expectEnd(() => fixture.api.delete('Pod', key), 100, `pod ${key} is being deleted`);
  });

  test('ends when its pod is gone', async () => {
    const key = `default/${stuck.pod.name}`;
    await expectEnd(() => fixture.api.finishDeletion(key), 100, `pod ${key} was deleted`);
  });

  test('ends when a pod with another UID takes the place of its own', async () => {
    const key = `default/${stuck.pod.name}`;
    const replace = () => {
      fixture.api.finishDeletion(key);
      fixture.cluster.createPod(stuck.pod.name);
    };
    await expectEnd(replace, 100, `pod ${key} was `);
  });

  test('ends when a DEL of its interface comes, which waits for it', async () => {
    await expectEnd(() => mustDelete(stuck.sandbox, 'net1', ovnConfig()), 11, 'ended by a DEL');
    expect(await interfacesOf(fixture.node, stuck.sandbox)).toEqual([]);
  });

  test('ends when its caller is killed', async () => {
    const startedMs = performance.now();
    const count = fixture.daemon.logLines('the caller went away').length;
    stuck.add.kill();
    await fixture.daemon.logged('the caller went away', count + 1);
    expect(performance.now() - startedMs).toBeLessThan(QUICK_MS);
    expect((await stuck.add.outcome).exitCode).toBeNull();
  });

  test('does not care for a DEL of another interface, or of another sandbox', async () => {
    await mustDelete(stuck.sandbox, 'net2', ovnConfig());
    const other = await createSandbox(stuck.pod);
    await mustDelete(other, 'net1', ovnConfig());
    const { pod, nic, add, sandbox } = stuck;
    if (stage === 'asks a gateway that is silent') {
      await fixture.node.nbctl(
        'lrp-add',
        'ovn-cluster',
        'late',
        '00:00:00:ff:fe:02',
        '172.17.255.1/16',
      );
      await fixture.node.nbctl(
        ...['lsp-add', 'attachnet', 'to-late', '--', 'lsp-set-type', 'to-late', 'router'],
        ...['--', 'lsp-set-addresses', 'to-late', 'router'],
        ...['--', 'lsp-set-options', 'to-late', 'router-port=late'],
      );
    } else await fixture.cluster.allocate(pod, nic);
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    await mustDelete(sandbox, 'net1', ovnConfig());
  });
});

test('an ADD ends when its pod was replaced while the API server was away', async () => {
  const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
  fixture.cluster.writeIp(pod, nic);
  fixture.cluster.annotate(pod, allocationAnnotations(nic));
  const add = await startAdd(sandbox, 'net1', ovnConfig());
  await portAppears(hostName(sandbox, 'net1'));
  await fixture.api.close();
  fixture.api.finishDeletion(`default/${pod.name}`);
  fixture.cluster.createPod(pod.name);
  fixture.api.compact();
  await fixture.api.start();
  const { result, ms } = await add.outcome;
  expect(result).toMatchObject({ code: 100 });
  expect(result?.msg).toContain(`pod default/${pod.name} was deleted`);
  // The daemon comes back to the API server with pauses; the deadline is at 30 s.
  expect(ms).toBeLessThan(10_000);
  expect(await interfacesOf(fixture.node, sandbox)).toEqual([]);
});

describe('after its end', () => {
  test('an ADD for the older UID of a pod fails at once', async () => {
    const { pod, sandbox, nic } = await fixture.pod();
    await fixture.cluster.deletePod(pod, [nic]);
    const newer = fixture.cluster.createPod(pod.name);
    await fixture.cluster.allocate(newer, nic);
    const startedMs = performance.now();
    const result = await failedAdd(sandbox, 'net1', ovnConfig());
    expect(performance.now() - startedMs).toBeLessThan(QUICK_MS);
    expect(result).toMatchObject({ code: 100 });
    expect(result.msg).toContain('was replaced by one with another UID');
    await mustAdd(await createSandbox(newer), 'net1', ovnConfig());
  });

  test('an ADD of the same attachment can be run again', async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    fixture.cluster.writeIp(pod, nic);
    fixture.cluster.annotate(pod, allocationAnnotations(nic));
    const add = await startAdd(sandbox, 'net1', ovnConfig());
    await portAppears(hostName(sandbox, 'net1'));
    add.kill();
    await fixture.cluster.createPort(pod, nic);
    await mustAdd(sandbox, 'net1', ovnConfig());
  });
});
