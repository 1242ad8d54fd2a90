/** How many NICs one pod can have, whatever it asks for one after another. */
import { expect, it } from 'vitest';
import { macvlanNetwork, macvlanSubnet } from '../../../../lab/documented.ts';
import { apply } from '../../../../lab/kubectl.ts';
import { FakeApiServer } from '../../../../lab/kubernetes/api.ts';
import { LeadingController } from '../../leading-controller.ts';

const NETWORKS = 'k8s.v1.cni.cncf.io/networks';
const allocatedKey = (ifName: string) => `macvlan.default.${ifName}.kubernetes.io/allocated`;

/** Interfaces of the macvlan network, so many from `first` on. */
const interfaces = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => `i${first + index}`);
const networksOf = (names: readonly string[]) => names.map((name) => `macvlan@${name}`).join();

it('one that runs gets no more by asking for others than it could have at once', async () => {
  const server = await FakeApiServer.start();
  for (const object of [macvlanNetwork, macvlanSubnet]) apply(server, object);
  const controller = await LeadingController.begin(server);
  const ips = () => server.list('IP').map(({ metadata }) => metadata.name);
  const ask = (names: readonly string[]) =>
    server.patch('Pod', 'default/hoarder', {
      metadata: { annotations: { [NETWORKS]: networksOf(names) } },
    });
  const has = (ifName: string) =>
    server.until('Pod', 'default/hoarder', ({ metadata }) => {
      return metadata.annotations?.[allocatedKey(ifName)] === 'true';
    });
  server.create({
    kind: 'Pod',
    metadata: {
      name: 'hoarder',
      namespace: 'default',
      annotations: { [NETWORKS]: networksOf(interfaces(0, 40)) },
    },
    spec: { nodeName: 'node-1', containers: [] },
    status: { phase: 'Running' },
  });
  await has('i39');
  expect(ips()).toHaveLength(40);
  ask(interfaces(100, 40));
  const isAboutIt = ({ message = '' }: { message?: unknown }) =>
    String(message).includes('has 40 of networks that it no longer asks for');
  await new Promise<void>((resolve) => {
    const look = () =>
      server.list('Event').some((event) => isAboutIt(event as object)) && resolve();
    server.onChange('Event', look);
    look();
  });
  expect(ips()).toHaveLength(40);
  // What there is room for it gets, and what it has it keeps.
  ask(interfaces(100, 20));
  await has('i119');
  expect(ips()).toHaveLength(60);
  ask(interfaces(0, 40));
  server.patch('Pod', 'default/hoarder', {
    metadata: { annotations: { [allocatedKey('i0')]: null } },
  });
  await has('i0');
  expect(ips()).toHaveLength(60);
  await controller[Symbol.asyncDispose]();
  await server.close();
});
