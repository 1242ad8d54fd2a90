/** A cluster that goes over to non-primary mode while pods run, and back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, podOf, subnet } from './controller-manifests.ts';
import { gone } from './controller-observe.ts';

const MODE = '--non-primary-cni-mode=true';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({ flags: [] });
  fixture.apply(
    macvlanNetwork('macvlan'),
    subnet('macvlan', { cidrBlock: '10.3.0.0/16', provider: 'macvlan.default' }),
  );
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('a pod from primary times keeps its network until it ends; back again, none is given twice', async () => {
  const plain = (name: string): NewObject => ({ kind: 'Pod', metadata: { name }, spec: {} });
  const addressOf = async (name: string) =>
    (await fixture.allocated(`default/${name}`, 'ovn')).ip_address ?? '';
  const annotationsOf = (name: string) =>
    fixture.api.get('Pod', `default/${name}`).metadata.annotations;

  const old = fixture.schedule(plain('old'));
  const stays = fixture.schedule(plain('stays'));
  const first = [await addressOf('old'), await addressOf('stays')];
  const told = annotationsOf('old');

  await fixture.restartController('SIGTERM', { flags: [MODE] });
  const fresh = fixture.schedule(plain('fresh'));
  // One that comes after it has got all that it gets.
  fixture.schedule(podOf('switched', 'macvlan'));
  await fixture.allocated('default/switched', 'macvlan.default');
  expect(annotationsOf('old')).toEqual(told);
  expect(fixture.api.get('IP', 'old.default').spec).toMatchObject({ ipAddress: first[0] });
  expect(await fixture.node.nbctl('lsp-list', 'ovn-default')).toContain('(old.default)');
  expect(annotationsOf('fresh') ?? {}).toEqual({});
  const port = await fixture.node.nbctl('get', 'Logical_Switch_Port', 'old.default', '_uuid');
  await fixture.kubelet.end(old);
  await gone(fixture, 'IP', 'old.default');
  await fixture.node.nbctl(
    'wait-until',
    'Logical_Switch',
    'ovn-default',
    `ports{not-in}${port.trim()}`,
  );

  await fixture.restartController('SIGTERM', { flags: [] });
  fixture.schedule(plain('new'));
  const second = [await addressOf('new'), await addressOf('fresh')];
  expect(new Set([first[1], ...second]).size).toBe(3);
  expect(await addressOf('stays')).toBe(first[1]);
  await fixture.kubelet.end(stays);
  await fixture.kubelet.end(fresh);
});
