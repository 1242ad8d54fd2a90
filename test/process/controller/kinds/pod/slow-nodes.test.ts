/** The addresses of a deleted pod whose time is up, and that its node has not ended. */
import { expect, it } from 'vitest';
import { macvlanNetwork, macvlanSubnet } from '../../../../lab/documented.ts';
import { apply } from '../../../../lab/kubectl.ts';
import { FakeApiServer } from '../../../../lab/kubernetes/api.ts';
import { LeadingController } from '../../../../unit/controller/leading-controller.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const PREFIX = 'macvlan.default.kubernetes.io';
const conditions = (status: string) => ({ status: { conditions: [{ type: 'Ready', status }] } });

it('are its own as long as the node is there, and nobody’s when that is lost', async () => {
  const server = await FakeApiServer.start();
  for (const object of [macvlanNetwork, macvlanSubnet]) apply(server, object);
  server.create({ kind: 'Node', metadata: { name: 'slow' }, ...conditions('True') });
  const controller = await LeadingController.begin(server);
  const podOn = async (name: string, nodeName: string) => {
    server.create({
      kind: 'Pod',
      metadata: { name, namespace: 'default', annotations: { [NETWORKS]: 'macvlan' } },
      spec: { nodeName, containers: [], terminationGracePeriodSeconds: 1 },
      status: { phase: 'Running' },
    });
    const { metadata } = await server.until('Pod', `default/${name}`, (pod) => {
      return pod.metadata.annotations?.[`${PREFIX}/allocated`] === 'true';
    });
    return metadata.annotations?.[`${PREFIX}/ip_address`];
  };
  const ips = () => server.list('IP').map(({ metadata }) => metadata.name);
  const gone = (name: string) =>
    new Promise<void>((resolve) => {
      const look = () => !ips().includes(name) && resolve();
      server.onChange('IP', look);
      look();
    });
  await podOn('held', 'slow');
  await podOn('lost', 'nowhere');
  // The time of both is up when that of the second is, whose node nobody knows.
  server.delete('Pod', 'default/held');
  server.delete('Pod', 'default/lost');
  await gone(`lost.default.macvlan.default`);
  server.patch('Pod', 'default/held', { status: { message: 'kubelet is slow' } });
  // Another pod comes and goes: what was to be done before is done.
  await podOn('next', 'slow');
  server.finishDeletion('default/next');
  await gone('next.default.macvlan.default');
  expect(ips()).toEqual(['held.default.macvlan.default']);
  server.patch('Node', 'slow', conditions('Unknown'));
  await gone('held.default.macvlan.default');
  expect(server.get('Pod', 'default/held').metadata.deletionTimestamp).toBeDefined();
  await controller[Symbol.asyncDispose]();
  await server.close();
});
