/** Our executable called as the other plugins call it for addresses, without the plugin around. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CniOutcome, cni, deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { nodeState, podState } from '../lab/snapshot.ts';
import type { Fixture } from './fixture.ts';
import {
  DUAL,
  delegated,
  dualPod,
  dualSubnet,
  macvlanConfig,
  startIpamNode,
  succeeded,
} from './ipam-fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startIpamNode();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const GATEWAYS = dualSubnet.gateway.split(',');

/** They ask for no route: `gateway` of an address is the network's. */
function withGateways(addresses: readonly string[]) {
  return addresses.map((address, index) => ({ address, gateway: GATEWAYS[index] }));
}

/** One call for addresses, as a plugin of `config.type` makes it. */
function delegate(
  verb: 'ADD' | 'DEL',
  sandbox: Sandbox,
  config = macvlanConfig(DUAL),
): Promise<CniOutcome> {
  return cni(verb, sandbox, 'net1', config, {}, {}, 'kube-ovn');
}

async function stateWith(sandbox: Sandbox) {
  return { node: await nodeState(fixture.node), pod: await podState(sandbox) };
}

test.each(['macvlan', 'ipvlan', 'vlan', 'host-device', 'bridge', 'sriov'])(
  'an answer for %s changes neither OVS nor an interface nor a route',
  async (type) => {
    const { sandbox, addresses } = await dualPod(fixture, {
      [`${DUAL}.kubernetes.io/ingress_rate`]: '10',
    });
    const before = await stateWith(sandbox);
    const routes = [{ dst: '10.1.0.0/16', gw: '172.18.0.254' }];
    const result = succeeded(await delegate('ADD', sandbox, delegated(type, DUAL, {}, { routes })));
    expect(result.ips).toEqual(withGateways(addresses));
    expect(result.routes).toEqual(routes);
    expect(await stateWith(sandbox)).toEqual(before);
  },
);

test.each(['0.1.0', '0.2.0'])(
  'version %s has one address of a family with its routes, and no interfaces',
  async (cniVersion) => {
    const routes = [{ gw: '172.18.0.254' }, { dst: 'fd00:99::/64', gw: 'fd00:172:18::fe' }];
    const { sandbox, addresses } = await dualPod(fixture);
    const dns = { nameservers: ['10.96.0.10'] };
    const config = { ...delegated('macvlan', DUAL, { dns }, { routes }), cniVersion };
    expect(succeeded(await delegate('ADD', sandbox, config))).toEqual({
      cniVersion,
      ip4: {
        ip: addresses[0],
        gateway: GATEWAYS[0],
        routes: [{ dst: '0.0.0.0/0', gw: '172.18.0.254' }],
      },
      ip6: {
        ip: addresses[1],
        gateway: GATEWAYS[1],
        routes: [{ dst: 'fd00:99::/64', gw: 'fd00:172:18::fe' }],
      },
      dns,
    });
  },
);

test.each(['0.3.0', '0.3.1', '0.4.0'])(
  'version %s says which family an address has, and no interfaces',
  async (cniVersion) => {
    const { sandbox, addresses } = await dualPod(fixture);
    const config = { ...macvlanConfig(DUAL), cniVersion };
    expect(succeeded(await delegate('ADD', sandbox, config))).toEqual({
      cniVersion,
      ips: [
        { version: '4', address: addresses[0], gateway: GATEWAYS[0] },
        { version: '6', address: addresses[1], gateway: GATEWAYS[1] },
      ],
      routes: [],
    });
  },
);

test.each(['1.0.0', '1.1.0'])(
  'version %s has addresses, routes and DNS, and no interfaces',
  async (cniVersion) => {
    const { sandbox, addresses } = await dualPod(fixture);
    const dns = { nameservers: ['10.96.0.10'], search: ['a.lab'] };
    const config = { ...delegated('macvlan', DUAL, { dns }), cniVersion };
    expect(succeeded(await delegate('ADD', sandbox, config))).toEqual({
      cniVersion,
      ips: withGateways(addresses),
      routes: [],
      dns,
    });
  },
);

test('a DEL after an ADD says nothing and changes nothing, however often it comes', async () => {
  const { sandbox } = await dualPod(fixture);
  succeeded(await delegate('ADD', sandbox));
  const before = await stateWith(sandbox);
  for (const _ of [1, 2]) {
    const { exitCode, stdout } = await delegate('DEL', sandbox);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  }
  expect(await stateWith(sandbox)).toEqual(before);
});

test('a DEL without an ADD succeeds and changes nothing', async () => {
  const { sandbox } = await dualPod(fixture);
  const before = await stateWith(sandbox);
  succeeded(await delegate('DEL', sandbox));
  expect(await stateWith(sandbox)).toEqual(before);
});

test('a DEL succeeds when pod and network namespace are gone', async () => {
  const { pod, sandbox } = await dualPod(fixture);
  await fixture.cluster.deletePod(pod);
  await deleteSandbox(sandbox);
  const before = await nodeState(fixture.node);
  succeeded(await delegate('DEL', sandbox));
  succeeded(
    await cni('DEL', sandbox, 'net1', macvlanConfig(DUAL), { CNI_NETNS: '' }, {}, 'kube-ovn'),
  );
  expect(await nodeState(fixture.node)).toEqual(before);
});

test('a DEL succeeds when the network is bound to no Subnet any more', async () => {
  const { sandbox } = await dualPod(fixture);
  succeeded(await delegate('DEL', sandbox, macvlanConfig('gone.default')));
});
