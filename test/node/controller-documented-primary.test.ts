/** Kube-OVN's documentation as it stands, where Kube-OVN is the pods' primary network. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as documented from '../lab/documented.ts';
import { PRIMARY_CONFIG } from '../lab/multus.ts';
import { podAddresses, podLink, podRoutes } from '../lab/snapshot.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { gone } from './controller-observe.ts';
import { canPing } from './observe.ts';

const PRIMARY = 'ovn';
const MACVLAN = 'macvlan.default';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start({ flags: [], primary: PRIMARY_CONFIG });
  fixture.apply(documented.macvlanNetwork, documented.macvlanSubnet);
});
afterAll(() => fixture[Symbol.asyncDispose]());

test('"Create a Pod with Multiple NIC": eth0 is of the default Subnet, net1 of macvlan', async () => {
  const { sandbox } = await fixture.pod(documented.macvlanPod);
  const eth0 = await fixture.allocated('default/samplepod', PRIMARY);
  expect(eth0).toMatchObject({
    ip_address: '10.16.0.2',
    logical_switch: 'ovn-default',
    routed: 'true',
  });
  expect(await podAddresses(sandbox, 'eth0')).toEqual(['10.16.0.2/16']);
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.11/16']);
  expect(await podRoutes(sandbox, 4)).toEqual(['default via 10.16.0.1 dev eth0']);
  expect(await canPing(sandbox, '10.16.0.1', 'eth0')).toBe(true);
  expect(await canPing(sandbox, '172.17.0.1', 'net1')).toBe(true);
  const names = fixture.api.list('IP').map(({ metadata }) => metadata.name);
  expect(names).toEqual(['samplepod.default', `samplepod.default.${MACVLAN}`]);
});

test('"Create Pod with a Fixed IP": of both networks', async () => {
  const { pod, sandbox } = await fixture.pod(documented.staticIpPod);
  expect(await podAddresses(sandbox, 'eth0')).toEqual(['10.16.0.15/16']);
  expect((await podLink(sandbox, 'eth0'))?.address).toBe('00:00:00:53:6b:b6');
  expect(await podAddresses(sandbox, 'net1')).toEqual(['172.17.0.100/16']);
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', 'static-ip.default');
});

test('"Create Workloads with Fixed IPs": of both networks', async () => {
  const pods = await fixture.workloads.apply(documented.staticWorkload);
  const started = await Promise.all(pods.map((pod) => fixture.run(pod)));
  const inside = async (ifName: string) => {
    const addresses = started.map(({ sandbox }) => podAddresses(sandbox, ifName));
    return (await Promise.all(addresses)).flat().sort();
  };
  // The first of the pool was another pod's just now, and may not be free yet.
  const own = new Set(await inside('eth0'));
  expect(own.size).toBe(2);
  expect(['10.16.0.15/16', '10.16.0.16/16', '10.16.0.17/16']).toEqual(
    expect.arrayContaining([...own]),
  );
  expect(await inside('net1')).toEqual(['172.17.0.200/16', '172.17.0.201/16']);
});

test('"Create a Pod using macvlan as the main nic": there is no NIC of the default Subnet', async () => {
  const { pod, sandbox } = await fixture.pod(documented.macvlanMainPod);
  const { ip_address } = await fixture.allocated(`default/${pod.name}`, MACVLAN);
  expect(await podAddresses(sandbox, 'eth0')).toEqual([`${ip_address}/16`]);
  expect((await podLink(sandbox, 'eth0'))?.linkinfo?.info_kind).toBe('macvlan');
  const { annotations = {} } = fixture.api.get('Pod', `default/${pod.name}`).metadata;
  expect(Object.keys(annotations).filter((key) => key.startsWith('ovn.'))).toEqual([]);
  const names = fixture.api.list('IP').map(({ metadata }) => metadata.name);
  expect(names).toContain(`${pod.name}.default.${MACVLAN}`);
  expect(names).not.toContain(`${pod.name}.default`);
  expect(await fixture.node.nbctl('lsp-list', 'ovn-default')).not.toContain(pod.name);
  await fixture.kubelet.end(pod);
  await gone(fixture, 'IP', `${pod.name}.default.${MACVLAN}`);
});
