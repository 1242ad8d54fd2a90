/** CHECKs of pods whose allocation changed, of several changes at once, and without an API server. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  annotate,
  expectDifferences,
  expectHealthy,
  flowsGone,
  healthyNic,
  ip,
  limitedNic,
  podsArrive,
} from './check-fixture.ts';
import { ATTACHNET, Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=20']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** ovs-vsctl(8) on the node; `words` are separated by spaces. */
function vsctl(words: string): Promise<string> {
  return fixture.node.vsctl(...words.split(' '));
}

describe('of the allocation', () => {
  test('the annotated address and MAC address', async () => {
    const attached = await healthyNic(fixture);
    await annotate(fixture, attached, {
      ip_address: '172.17.9.1',
      mac_address: '00:00:00:00:09:01',
    });
    await expectDifferences(attached, 110, [
      `annotated address: expected ${attached.address}, found 172.17.9.1`,
      `annotated MAC address: expected ${attached.mac}, found 00:00:00:00:09:01`,
    ]);
  });

  test('annotations that are gone', async () => {
    const attached = await healthyNic(fixture);
    await annotate(fixture, attached, { allocated: null, ip_address: null, cidr: null });
    await expectDifferences(attached, 110, [
      `annotations: expected the address of network ${ATTACHNET} (annotation ${ATTACHNET}.kubernetes.io/ip_address), found none`,
    ]);
  });

  test('annotations that are wrong', async () => {
    const attached = await healthyNic(fixture);
    await annotate(fixture, attached, { ip_address: '172.17.1.300' });
    await expectDifferences(attached, 110, [
      `annotations: expected what net1 was made of, found annotation ${ATTACHNET}.kubernetes.io/ip_address is wrong: "172.17.1.300"`,
    ]);
  });

  test('the pod, which was deleted', async () => {
    const attached = await healthyNic(fixture);
    const { pod } = attached.sandbox;
    await fixture.cluster.deletePod(pod);
    await podsArrive(fixture);
    const said = `pod default/${pod.name}: expected with UID ${pod.uid}, found none`;
    await expectDifferences(attached, 110, [said]);
    const unnamed = `pod default/${pod.name}: expected on this node, found none`;
    await expectDifferences(attached, 110, [unnamed], { pod_uid: '' });
  });

  test('the pod, which was replaced by another', async () => {
    const attached = await healthyNic(fixture);
    const { pod } = attached.sandbox;
    await fixture.cluster.deletePod(pod);
    const { uid } = fixture.cluster.createPod(pod.name);
    await podsArrive(fixture);
    await expectDifferences(attached, 110, [
      `pod default/${pod.name}: expected with UID ${pod.uid}, found one with UID ${uid}`,
    ]);
  });
});

test('differences of all kinds are named at once, the allocation first', async () => {
  const attached = await limitedNic(fixture);
  const { sandbox, host, address, mac } = attached;
  await ip(attached, 'link set net1 mtu 1300');
  await ip(attached, `address flush dev net1`);
  await vsctl(`set Interface ${host} external_ids:iface-id-ver=older ingress_policing_rate=0`);
  await annotate(fixture, attached, { mac_address: '00:00:00:00:09:02' });
  await expectDifferences(attached, 110, [
    `annotated MAC address: expected ${mac}, found 00:00:00:00:09:02`,
    `iface-id-ver of ${host}: expected "${sandbox.pod.uid}", found "older"`,
    'MTU of net1: expected 1400, found 1300',
    `address of net1: expected ${address}/16, found none`,
    `egress_rate on ${host}: expected 20 Mbit/s, burst 16 Mbit, found no limit`,
  ]);
});

describe('without the API server', () => {
  test('the last known annotations count, and a daemon that knows none compares the rest', async () => {
    const attached = await limitedNic(fixture);
    const changed = await healthyNic(fixture);
    await annotate(fixture, changed, { ip_address: '172.17.9.2' });
    const said = `annotated address: expected ${changed.address}, found 172.17.9.2`;
    await fixture.api.close();
    await expectHealthy(attached);
    await expectDifferences(changed, 110, [said]);

    await fixture.restartDaemon(['--add-timeout-seconds=20']);
    await expectHealthy(attached);
    await expectHealthy(changed);
    await vsctl(`set Interface ${attached.host} external_ids:iface-id-ver=any`);
    await expectHealthy(attached);
    await ip(attached, 'link set net1 mtu 1300');
    await expectDifferences(attached, 112, ['MTU of net1: expected 1400, found 1300']);
    await vsctl(`remove Interface ${attached.host} external_ids iface-id`);
    await flowsGone(attached.host);
    await expectDifferences(attached, 111, [
      `iface-id of ${attached.host}: expected a logical switch port, found none`,
      `ovn-installed of ${attached.host}: expected "true", found none`,
      'MTU of net1: expected 1400, found 1300',
    ]);
    await fixture.api.start();
  });
});
