/** CHECKs of pods in which somebody changed the interface: each names what, and nothing else. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { expectDifferences, failedCheck, healthyNic, ip } from './check-fixture.ts';
import { ATTACHNET, Fixture } from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=20']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const ROUTE = { dst: '10.99.0.0/16', gw: '172.17.0.2' };

describe('of the interface in the pod', () => {
  test('its MAC address', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'link set net1 address 02:00:00:00:00:77');
    const said = `MAC address of net1: expected ${attached.mac}, found 02:00:00:00:00:77`;
    await expectDifferences(attached, 112, [said]);
  });

  test.each(['1.0.0', '1.1.0'])('its MTU, in version %s', async (cniVersion) => {
    const attached = await healthyNic(fixture, {}, { cniVersion });
    await ip(attached, 'link set net1 mtu 1300');
    await expectDifferences(attached, 112, ['MTU of net1: expected 1400, found 1300']);
  });

  test('its state', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'link set net1 down');
    await expectDifferences(attached, 112, ['state of net1: expected up, found down']);
  });

  test("its carrier, which the host's end gives", async () => {
    const attached = await healthyNic(fixture);
    await command('ip', ['link', 'set', attached.host, 'down']);
    const said = 'state of net1: expected up, found up without carrier';
    await expectDifferences(attached, 112, [said]);
  });

  test('an address that is not there', async () => {
    const v6 = 'fd00:172:17::77';
    const attached = await healthyNic(fixture, {
      nic: (nic) => ({ ...nic, ip: `${nic.ip},${v6}` }),
    });
    await ip(attached, `address delete ${v6}/64 dev net1`);
    const linkLocal = expect.stringMatching(/fe80::/);
    expect(await failedCheck(attached)).toMatchObject({ code: 112, msg: linkLocal });
    const [v4] = attached.address.split(',');
    await ip(attached, `-6 address flush dev net1`);
    await ip(attached, `address delete ${v4}/16 dev net1`);
    await expectDifferences(attached, 112, [
      `address of net1: expected ${v4}/16, found none`,
      `address of net1: expected ${v6}/64, found none`,
    ]);
  });

  test('the prefix length of an address', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, `address delete ${attached.address}/16 dev net1`);
    await ip(attached, `address add ${attached.address}/24 dev net1`);
    await expectDifferences(attached, 112, [
      `address of net1: expected ${attached.address}/16, found ${attached.address}/24`,
    ]);
  });

  test('the connected route of an address that is there', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'route delete 172.17.0.0/16');
    await expectDifferences(attached, 112, ['route to 172.17.0.0/16: expected one, found none']);
  });

  test('a route that is not there', async () => {
    const attached = await healthyNic(fixture, {}, { routes: [ROUTE] });
    await ip(attached, `route delete ${ROUTE.dst}`);
    await expectDifferences(attached, 112, [
      `route to ${ROUTE.dst}: expected via ${ROUTE.gw}, found none`,
    ]);
  });

  test('a route by another gateway, and a default route', async () => {
    const annotations = { [`${ATTACHNET}.kubernetes.io/default_route`]: 'true' };
    const attached = await healthyNic(fixture, { annotations }, { routes: [ROUTE] });
    await ip(attached, `route replace ${ROUTE.dst} via 172.17.0.9`);
    await ip(attached, 'route replace unreachable default');
    await expectDifferences(attached, 112, [
      'route to 0.0.0.0/0: expected via 172.17.0.1, found none',
      `route to ${ROUTE.dst}: expected via ${ROUTE.gw}, found via 172.17.0.9`,
    ]);
  });

  test('its name', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'link set net1 down');
    await ip(attached, 'link set net1 name net9 up');
    const said = 'interface in the pod: expected net1, found net9 with its MAC address';
    await expectDifferences(attached, 112, [said]);
  });

  test('the interface itself', async () => {
    const attached = await healthyNic(fixture);
    await ip(attached, 'link delete net1');
    await expectDifferences(attached, 112, ['interface in the pod: expected net1, found none']);
  });

  test('the network namespace, also where the file that it was mounted on stays', async () => {
    const attached = await healthyNic(fixture);
    const { netnsName, netns } = attached.sandbox;
    await command('ip', ['netns', 'delete', netnsName]);
    const said = `network namespace: expected ${netns}, found none`;
    // The daemon may have swept the port of such a sandbox already: another difference.
    expect((await failedCheck(attached)).msg).toContain(said);
    await writeFile(netns, '');
    expect((await failedCheck(attached)).msg).toContain(said);
  });

  test('the interface in the result', async () => {
    const attached = await healthyNic(fixture);
    const empty = { interfaces: [], ips: [], routes: [] };
    const said = `prevResult: expected interface net1 in ${attached.sandbox.netns}, found none`;
    await expectDifferences(attached, 112, [said], { prev_result: empty });
  });
});
