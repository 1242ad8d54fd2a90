/** CHECKs after somebody changed the port or its limits in OVS: each names what, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { OVS_DATABASE } from '../lab/ovn-node.ts';
import {
  annotate,
  expectDifferences,
  expectHealthy,
  failedCheck,
  flowsGone,
  healthyNic,
  interfaceBecomes,
  ip,
  limitedNic,
} from './check-fixture.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { hostName, mustAdd } from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=20']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** ovs-vsctl(8) on the node; `words` are separated by spaces. */
function vsctl(words: string): Promise<string> {
  return fixture.node.vsctl(...words.split(' '));
}

describe('of the port', () => {
  test('that it is in OVS', async () => {
    const attached = await healthyNic(fixture);
    await vsctl(`del-port ${attached.host}`);
    const said = `port on br-int: expected ${attached.host}, found none`;
    await expectDifferences(attached, 111, [said]);
  });

  test('that it is on br-int', async () => {
    const attached = await healthyNic(fixture);
    const port = (await vsctl(`get Port ${attached.host} _uuid`)).trim();
    await vsctl(
      `add-br br-other -- remove Bridge br-int ports ${port}`.concat(
        ` -- add Bridge br-other ports ${port}`,
      ),
    );
    const { code, msg } = await failedCheck(attached);
    expect(code).toBe(111);
    expect(msg).toContain(`port ${attached.host}: expected on br-int, found not there`);
    await vsctl('del-br br-other');
  });

  test('its iface-id', async () => {
    const attached = await healthyNic(fixture);
    await vsctl(`remove Interface ${attached.host} external_ids iface-id`);
    await flowsGone(attached.host);
    await expectDifferences(attached, 111, [
      `iface-id of ${attached.host}: expected "${attached.port}", found none`,
      `ovn-installed of ${attached.host}: expected "true", found none`,
    ]);
  });

  test('that no other interface has its iface-id', async () => {
    const attached = await healthyNic(fixture);
    await vsctl(
      `add-port br-int thief -- set Interface thief external_ids:iface-id=${attached.port}`,
    );
    const { code, msg } = await failedCheck(attached);
    expect(code).toBe(111);
    expect(msg).toContain(
      `iface-id "${attached.port}": expected only on ${attached.host}, found on thief`,
    );
    await vsctl('del-port thief');
  });

  test('the UID that it was made for', async () => {
    const attached = await healthyNic(fixture);
    await vsctl(`set Interface ${attached.host} external_ids:iface-id-ver=older`);
    await expectDifferences(attached, 111, [
      `iface-id-ver of ${attached.host}: expected "${attached.sandbox.pod.uid}", found "older"`,
    ]);
  });

  test("that OVN's flows are installed", async () => {
    const attached = await healthyNic(fixture);
    await fixture.node.nbctl('lsp-del', attached.port);
    await flowsGone(attached.host);
    const said = `ovn-installed of ${attached.host}: expected "true", found none`;
    await expectDifferences(attached, 111, [said]);
  });

  test("the host end's MTU", async () => {
    const attached = await healthyNic(fixture);
    await command('ip', ['link', 'set', attached.host, 'mtu', '1300']);
    await interfaceBecomes(attached.host, 'mtu=1300');
    const said = `MTU of ${attached.host}: expected 1400, found 1300`;
    await expectDifferences(attached, 111, [said]);
  });

  test('that it is there at all, also after a newer sandbox took over', async () => {
    const attached = await healthyNic(fixture);
    const { pod } = attached.sandbox;
    const { sandbox: other } = await fixture.pod({ nic: () => undefined });
    const newer = { ...other, pod };
    const result = await mustAdd(newer, 'net1', ovnConfig());
    await expectHealthy({ sandbox: newer, result });
    await flowsGone(attached.host);
    await expectDifferences(attached, 111, [
      `iface-id of ${attached.host}: expected "${attached.port}", found none`,
      `ovn-installed of ${attached.host}: expected "true", found none`,
      `iface-id "${attached.port}": expected only on ${attached.host}, found on ${hostName(newer, 'net1')}`,
    ]);
  });

  test('that OVS can use it', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'link delete net1');
    // OVS goes on with a device that is gone until it must open it again.
    const ids = await vsctl(`get Interface ${attached.host} external_ids`);
    await command('ovs-vsctl', [`--db=${OVS_DATABASE}`, 'del-port', attached.host]);
    const marks = `external_ids=${ids.trim()}`;
    const mark = ['--', 'set', 'Interface', attached.host, marks];
    await fixture.node.vsctl('add-port', 'br-int', attached.host, ...mark);
    await interfaceBecomes(attached.host, 'ofport=-1');
    const { code, msg } = await failedCheck(attached);
    expect(code).toBe(111);
    expect(msg).toContain(`ofport of ${attached.host}: expected a positive number, found -1`);
    expect(msg).toContain(`error of ${attached.host}: expected none, found "could not open`);
    expect(msg).toContain('interface in the pod: expected net1, found none');
  });
});

describe('of the limits', () => {
  const POLICED = '20 Mbit/s, burst 16 Mbit';
  const SHAPED = '10 Mbit/s, burst 1 Mbit';

  test.each([
    ['ingress_policing_rate=19000', '19 Mbit/s, burst 16 Mbit'],
    ['ingress_policing_burst=17000', '20 Mbit/s, burst 17 Mbit'],
    ['ingress_policing_rate=0', 'no limit'],
  ])('policing: %s', async (change, found) => {
    const attached = await limitedNic(fixture);
    await vsctl(`set Interface ${attached.host} ${change}`);
    const said = `egress_rate on ${attached.host}: expected ${POLICED}, found ${found}`;
    await expectDifferences(attached, 113, [said]);
  });

  test.each([
    ['other_config:max-rate=9000000', '9 Mbit/s, burst 1 Mbit'],
    ['other_config:burst=5', '10 Mbit/s, burst 5 bit'],
  ])('the queue: %s', async (change, found) => {
    const attached = await limitedNic(fixture);
    const qos = (await vsctl(`get Port ${attached.host} qos`)).trim();
    const queue = (await vsctl(`get QoS ${qos} queues:0`)).trim();
    await vsctl(`set Queue ${queue} ${change}`);
    const said = `ingress_rate on ${attached.host}: expected ${SHAPED}, found ${found}`;
    await expectDifferences(attached, 113, [said]);
  });

  test('the QoS row', async () => {
    const attached = await limitedNic(fixture);
    await vsctl(`clear Port ${attached.host} qos`);
    const said = `ingress_rate on ${attached.host}: expected ${SHAPED}, found no limit`;
    await expectDifferences(attached, 113, [said]);
  });

  test('but not rates that were annotated later, or are no longer: they are followed', async () => {
    const [attached, free] = [await limitedNic(fixture), await healthyNic(fixture)];
    await annotate(fixture, attached, { ingress_rate: null, egress_rate: null });
    await annotate(fixture, free, { ingress_rate: '10', egress_rate: '20' });
    await expectHealthy(attached);
    await expectHealthy(free);
  });

  test('an annotation that is wrong is none: an event says it, and the limit stays', async () => {
    const attached = await limitedNic(fixture);
    await annotate(fixture, attached, { ingress_rate: 'fast' });
    await expectHealthy(attached);
    await vsctl(`set Interface ${attached.host} ingress_policing_rate=0`);
    await expectDifferences(attached, 113, [
      `egress_rate on ${attached.host}: expected ${POLICED}, found no limit`,
    ]);
  });

  test('the mirror', async () => {
    const more = { mirror: 'true' };
    const attached = await healthyNic(fixture, { nic: (nic) => ({ ...nic, more }) });
    await vsctl('clear Mirror m0 select_dst_port');
    await expectDifferences(attached, 113, [`mirror on ${attached.host}: expected on, found off`]);
  });
});
