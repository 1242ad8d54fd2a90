import { describe, expect, it } from 'vitest';
import {
  isConflict,
  KubernetesApi,
  KubernetesError,
} from '../../../../src/common/kubernetes/api.ts';
import { LeadershipError } from '../../../../src/controller/leadership/error.ts';
import { LeaderWrites } from '../../../../src/controller/leadership/leader-writes.ts';
import type { Leadership } from '../../../../src/controller/leadership/leadership.ts';
import { CONTROLLER, FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { configOf } from '../../common/kubernetes/support.ts';

const IPS = '/apis/kubeovn.io/v1/ips';
const RED = '/apis/kubeovn.io/v1/subnets/red';
const LOST = new LeadershipError('lost', 'the Lease is lost', 'nothing');

async function setUp() {
  const server = await FakeApiServer.start();
  const api = new KubernetesApi(configOf(server, CONTROLLER));
  const term = new AbortController();
  const leadership: Leadership = {
    lost: term.signal,
    throwIfLost: () => term.signal.throwIfAborted(),
    release: async () => {},
  };
  const dispose = async () => {
    api.destroy();
    await server.close();
  };
  const writes = new LeaderWrites(api, leadership);
  return { server, writes, lose: () => term.abort(LOST), [Symbol.asyncDispose]: dispose };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable('it resolved'),
    (error: unknown) => error,
  );
}

describe('the leader', () => {
  it('reads what is there now, and nothing of what is not', async () => {
    await using all = await setUp();
    const path = `${IPS}/a.default`;
    expect(await all.writes.read(path)).toBeUndefined();
    const made = all.server.create({ kind: 'IP', metadata: { name: 'a.default' }, spec: {} });
    expect(await all.writes.read(path)).toEqual(made);
  });

  it('creates an object once', async () => {
    await using all = await setUp();
    const ip = { metadata: { name: 'a.default' }, spec: { subnet: 'red' } };
    expect(await all.writes.create(IPS, ip)).toMatchObject({ kind: 'IP', spec: ip.spec });
    expect(isConflict(await rejection(all.writes.create(IPS, ip)))).toBe(true);
  });

  it('patches an object, and its status apart from it', async () => {
    await using all = await setUp();
    const status = { v4usingIPs: 1, v4availableIPs: 9 };
    all.server.create({ kind: 'Subnet', metadata: { name: 'red' }, spec: { mtu: 1400 }, status });
    await all.writes.patch(RED, { spec: { gateway: '10.0.0.1' }, status: { v4usingIPs: 7 } });
    const patched = await all.writes.patch(`${RED}/status`, { status: { v4usingIPs: 2 } });
    expect(patched).toMatchObject({ kind: 'Subnet' });
    expect(all.server.get('Subnet', 'red')).toMatchObject({
      spec: { mtu: 1400, gateway: '10.0.0.1' },
      status: { v4usingIPs: 2, v4availableIPs: 9 },
    });
  });

  it('patches nothing that is gone, and nothing that has changed since the version it names', async () => {
    await using all = await setUp();
    expect(await all.writes.patch(RED, { spec: { mtu: 1300 } })).toBeUndefined();
    expect(await all.writes.patch(`${RED}/status`, { status: {} })).toBeUndefined();
    const { metadata } = all.server.create({ kind: 'Subnet', metadata: { name: 'red' } });
    all.server.patch('Subnet', 'red', { spec: { mtu: 1300 } });
    const { resourceVersion } = metadata;
    const stale = all.writes.patch(RED, { metadata: { resourceVersion }, spec: { mtu: 1400 } });
    expect(isConflict(await rejection(stale))).toBe(true);
  });

  it('removes the object that it means, and no other', async () => {
    await using all = await setUp();
    const path = `${IPS}/a.default`;
    const make = () => all.server.create({ kind: 'IP', metadata: { name: 'a.default' } }).metadata;
    const { uid: first = '' } = make();
    await all.writes.remove(path, first);
    expect(all.server.list('IP')).toEqual([]);
    await all.writes.remove(path, first);
    make();
    await all.writes.remove(path, first);
    expect(all.server.list('IP')).toHaveLength(1);
  });

  it('is told of refusals', async () => {
    await using all = await setUp();
    all.server.faults.failNext(2, 403);
    for (const write of [all.writes.read(RED), all.writes.remove(RED, 'uid')]) {
      const error = await rejection(write);
      expect(error).toBeInstanceOf(KubernetesError);
      expect(error).toMatchObject({ status: 403 });
    }
  });
});

describe('who has lost the Lease', () => {
  it('sends nothing', async () => {
    await using all = await setUp();
    all.lose();
    const { writes } = all;
    for (const write of [
      writes.read(RED),
      writes.create(IPS, {}),
      writes.patch(RED, {}),
      writes.remove(RED, 'uid'),
    ]) {
      expect(await rejection(write)).toBe(LOST);
    }
    expect(all.server.requests.count()).toBe(0);
  });

  it('gives up what it has sent', async () => {
    await using all = await setUp();
    all.server.silence();
    const patch = rejection(all.writes.patch(RED, { spec: { mtu: 1300 } }));
    await all.server.requests.waitFor({ verb: 'patch' }, 1);
    all.lose();
    expect(await patch).toBe(LOST);
  });
});
