import { expect, it } from 'vitest';
import { macvlanNetwork, macvlanPod, macvlanSubnet } from '../../../../lab/documented.ts';
import { apply } from '../../../../lab/kubectl.ts';
import { FakeApiServer } from '../../../../lab/kubernetes/api.ts';
import { LeadingController } from '../../leading-controller.ts';

const IPS = '/apis/kubeovn.io/v1/ips';

it('an address that was released without an IP object is counted as free', async () => {
  await using server = await FakeApiServer.start();
  for (const object of [macvlanNetwork, macvlanSubnet]) apply(server, object);
  server.faults.failNext(Number.MAX_SAFE_INTEGER, 500, { verb: 'create', path: IPS });
  await using _controller = await LeadingController.begin(server);
  const says = (range: string) =>
    server.until('Subnet', 'macvlan', ({ status }) => status?.v4usingIPrange === range);
  await says('');
  apply(server, macvlanPod);
  await server.requests.waitFor({ verb: 'create', path: IPS }, 1);
  // What is in use is counted when the Subnet changes.
  const excludeIps = ['172.17.0.0..172.17.0.10', '172.17.255.254'];
  apply(server, { ...macvlanSubnet, spec: { ...(macvlanSubnet.spec as object), excludeIps } });
  await says('172.17.0.11');
  // Subnets are counted one after another: with this one, that of what was just written is over.
  const spec = { provider: 'other.default', cidrBlock: '192.0.2.0/24' };
  apply(server, { kind: 'Subnet', metadata: { name: 'other' }, spec });
  await server.until('Subnet', 'other', ({ status }) => status?.v4usingIPs === 0);
  server.delete('Pod', 'default/samplepod', { gracePeriodSeconds: 0 });
  const { status } = await says('');
  expect(status).toMatchObject({ v4usingIPs: 0, v4availableIPs: 65_523 });
});
