/** Pods in the network of their node, which have no addresses. */
import { expect, it } from 'vitest';
import { macvlanNetwork, macvlanSubnet } from '../../../../lab/documented.ts';
import { apply } from '../../../../lab/kubectl.ts';
import { FakeApiServer } from '../../../../lab/kubernetes/api.ts';
import { LeadingController } from '../../leading-controller.ts';

const ALLOCATED = 'macvlan.default.kubernetes.io/allocated';

function create(server: FakeApiServer, spec: object) {
  const annotations = { 'k8s.v1.cni.cncf.io/networks': 'default/macvlan' };
  const metadata = { name: 'pod', namespace: 'default', annotations };
  return server.create({ kind: 'Pod', metadata, spec: { containers: [], ...spec } });
}

it('have nothing of an earlier pod of their name: that is released', async () => {
  const server = await FakeApiServer.start();
  for (const object of [macvlanNetwork, macvlanSubnet]) apply(server, object);
  const controller = await LeadingController.begin(server);
  create(server, {});
  await server.until(
    'Pod',
    'default/pod',
    (pod) => pod.metadata.annotations?.[ALLOCATED] === 'true',
  );
  expect(server.list('IP')).toHaveLength(1);
  // The controller sees both at once.
  server.delete('Pod', 'default/pod', { gracePeriodSeconds: 0 });
  create(server, { hostNetwork: true });
  await new Promise<void>((resolve) => {
    const look = () => server.list('IP').length === 0 && resolve();
    server.onChange('IP', look);
    look();
  });
  await server.until('Subnet', 'macvlan', ({ status }) => status?.v4usingIPrange === '');
  await controller[Symbol.asyncDispose]();
  await server.close();
});
