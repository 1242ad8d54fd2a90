/** What the work on a SecurityGroup writes, waits for and says. */
import { expect, it } from 'vitest';
import { SecurityGroupReconciler } from '../../../../../src/controller/kinds/security-group/reconciler.ts';
import { NorthboundError } from '../../../../../src/controller/ovn/error.ts';
import type { NewObject } from '../../../../lab/kubernetes/object.ts';
import { kubeOvn } from '../../support.ts';
import { notDone, setUp } from '../set-up.ts';

const rule = { ipVersion: 'ipv4', protocol: 'all', priority: 1, policy: 'allow' };
const fromGroup = (name: string) => ({
  ...rule,
  remoteType: 'securityGroup',
  remoteSecurityGroup: name,
});
const group = (name: string, spec: object = {}) => kubeOvn('SecurityGroup', name, spec);

function setUpGroups(...objects: readonly NewObject[]) {
  const all = setUp(objects);
  const reconciler = new SecurityGroupReconciler(all.context);
  return {
    ...all,
    reconcile: () => reconciler.reconcile('web'),
    status: () => all.fake.get('SecurityGroup', 'web')?.status,
  };
}

it('a SecurityGroup says its port group, and that its rules are in force', async () => {
  const all = setUpGroups(group('web'));
  await all.reconcile();
  expect(all.northbound.plans).toBe(1);
  expect(all.status()).toMatchObject({
    portGroup: 'ovn.sg.web',
    ingressLastSyncSuccess: true,
    egressLastSyncSuccess: true,
  });
  all.writes.requests.length = 0;
  await all.reconcile();
  expect(all.writes.requests).toEqual([]);
});

it('one with a rule about a group that is not there waits for that by name', async () => {
  const all = setUpGroups(group('web', { ingressRules: [fromGroup('clients')] }));
  expect((await notDone(all.reconcile())).waitsFor).toEqual(['SecurityGroup/clients']);
  expect(all.northbound.plans).toBe(0);
  expect(all.said.join()).toContain('SecurityGroup web: ReconcileSecurityGroupFailed');
  all.fake.create(group('clients'));
  await all.reconcile();
  expect(all.status()).toMatchObject({ ingressLastSyncSuccess: true });
});

it('one that OVN refuses says that its rules are not in force; a database out of reach does not', async () => {
  const all = setUpGroups(group('web'));
  await all.reconcile();
  all.northbound.failure = new NorthboundError('unreachable', 'no database', 'start it');
  await expect(all.reconcile()).rejects.toThrow(NorthboundError);
  expect(all.status()).toMatchObject({ ingressLastSyncSuccess: true });
  all.northbound.failure = new NorthboundError('taken', 'group is another’s', 'rename it');
  await notDone(all.reconcile());
  expect(all.status()).toMatchObject({ ingressLastSyncSuccess: false });
});

it('one that has gone has its rows removed', async () => {
  const all = setUpGroups();
  await all.reconcile();
  expect(all.northbound.plans).toBe(1);
});
