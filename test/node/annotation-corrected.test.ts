/**
 * A wrong annotation refuses an ADD only where the API server still has it: what the daemon follows
 * may be older than the correction.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BlackHole } from '../lab/black-hole.ts';
import { cni } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { prefixed, reannotate } from './limits-fixture.ts';
import { mustDelete } from './observe.ts';
import { expectError, expectRefusal } from './refusal.ts';

/** Pods, Subnets, IPs, ProviderNetworks, and the node. */
const WATCHES = 5;
const WRONG = { code: 7, says: [`annotation ${ATTACHNET}.kubernetes.io/ingress_rate is wrong`] };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=60']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A pod that the daemon follows with an annotation which is wrong. */
async function refusedPod() {
  const { sandbox } = await fixture.pod({ annotations: prefixed({ ingress_rate: 'fast' }) });
  await expectRefusal(fixture.node, sandbox, WRONG);
  await fixture.api.watches.waitForCount(WATCHES);
  return sandbox;
}

function add(sandbox: Parameters<typeof cni>[1]) {
  return cni('ADD', sandbox, 'net1', ovnConfig());
}

/** An ADD for such a pod whose author has written another rate meanwhile, which the watch brings late. */
async function addAfter(ingress_rate: string) {
  const { api } = fixture;
  const sandbox = await refusedPod();
  api.watches.muteAll();
  reannotate(fixture, sandbox, { ingress_rate });
  const { name, namespace } = sandbox.pod;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  const reads = api.requests.count({ verb: 'get', path });
  const adding = add(sandbox);
  await api.requests.waitFor({ verb: 'get', path }, reads + 1);
  api.watches.endAll();
  return { sandbox, outcome: await adding };
}

test('a pod that was corrected comes up where the watch brings the correction late', async () => {
  const { sandbox, outcome } = await addAfter('10');
  expect(outcome.exitCode, outcome.stdout).toBe(0);
  await mustDelete(sandbox, 'net1', ovnConfig());
});

test('one wrong annotation in place of another is refused', async () => {
  const { outcome } = await addAfter('faster');
  expectError(outcome, { ...WRONG, says: [...WRONG.says, '"faster"'] });
});

test('a pod that was corrected comes up where all connections died in silence', {
  timeout: 90_000,
}, async () => {
  const { api } = fixture;
  const sandbox = await refusedPod();
  await using _hole = await BlackHole.ofConnections(Number(new URL(api.url).port), api.clientPorts);
  reannotate(fixture, sandbox, { ingress_rate: '10' });
  const { exitCode, stdout } = await add(sandbox);
  expect(exitCode, stdout).toBe(0);
  await mustDelete(sandbox, 'net1', ovnConfig());
});

test('the runtime tries again where the API server cannot be asked', async () => {
  const { api } = fixture;
  const sandbox = await refusedPod();
  await api.close();
  expectError(await add(sandbox), {
    code: 11,
    says: [...WRONG.says, 'may have been corrected', 'cannot ask the API server'],
  });
  reannotate(fixture, sandbox, { ingress_rate: '10' });
  await api.start();
  const { exitCode, stdout } = await add(sandbox);
  expect(exitCode, stdout).toBe(0);
  await mustDelete(sandbox, 'net1', ovnConfig());
});
