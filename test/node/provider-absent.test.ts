/** In a cluster that has no provider networks, or lets no daemon read them, the daemon does all else. */
import { afterEach, expect, test } from 'vitest';
import type { FakeApiServerOptions } from '../lab/kubernetes/api.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { canPing, mustAdd, mustDelete } from './observe.ts';

const PATH = '/apis/kubeovn.io/v1/provider-networks';
const VLANS = '/apis/kubeovn.io/v1/vlans';

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

/** An ADD and a DEL work; the daemon has asked for the kind some times, and never for its Vlans. */
async function expectService(started: Fixture): Promise<void> {
  const { sandbox } = await started.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  await mustDelete(sandbox, 'net1', ovnConfig());
  const asked = started.api.requests.all.map(({ path }) => path);
  const times = asked.filter((path) => path === PATH).length;
  expect(times).toBeGreaterThan(0);
  // Pauses grow to 15 s.
  expect(times).toBeLessThan(12);
  expect(asked).not.toContain(VLANS);
}

async function start(options: FakeApiServerOptions): Promise<Fixture> {
  fixture = await Fixture.start(['--non-primary-cni-mode'], options);
  return fixture;
}

test('without their definition', async () => {
  const started = await start({ withoutKinds: ['ProviderNetwork', 'Vlan'] });
  await started.daemon.logged('there are no provider-networks.kubeovn.io in this cluster');
  await expectService(started);
  expect(started.daemon.logLines('provider-networks')).toHaveLength(1);
});

test('without the right to read them', async () => {
  const started = await start({});
  started.api.faults.failNext(10_000, 403, { verb: 'list', path: PATH });
  await started.restartDaemon(['--non-primary-cni-mode']);
  await started.daemon.logged('provider-networks.kubeovn.io may not be read');
  await expectService(started);
});

test('without any of them, nobody asks for their Vlans', async () => {
  await expectService(await start({}));
});
