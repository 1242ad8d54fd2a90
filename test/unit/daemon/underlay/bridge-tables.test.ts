/** When MAC tables and flows of provider bridges are written, and what comes of a command that fails. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { CallError } from '../../../../src/common/ovsdb/connection.ts';
import { Queues } from '../../../../src/common/reconcile/queues.ts';
import { projectVlan } from '../../../../src/common/vlan.ts';
import { projectService } from '../../../../src/daemon/model/service.ts';
import { projectSubnet } from '../../../../src/daemon/model/subnet.ts';
import { UnknownCommand } from '../../../../src/daemon/ovs/vswitchd-control.ts';
import { BridgeTables } from '../../../../src/daemon/underlay/bridge-tables.ts';
import { turns } from '../../common/reconcile/work-queue-support.ts';
import { FakeObjects } from '../../controller/kinds/fake-cluster.ts';
import { stateOf } from '../ovs/rows.ts';
import { RecordingLog } from '../recording-log.ts';

const PATCH = 'patch-localnet.wired-to-br-int';
const ENTRY = `br-physnet ${PATCH} 100 00:00:00:aa:bb:cc`;
const U2O = { u2oInterconnection: true };
const ROUTER = { u2oInterconnectionIP: '10.92.0.2', u2oInterconnectionMAC: '00:00:00:aa:bb:cc' };
const EXTERNAL = { enableExternalLBAddress: true, cidrBlock: '10.92.0.0/16' };

/** A node with one provider bridge, which has its card and the patch port of Subnet wired. */
const nodeWithBridge = (mappings = 'physnet:br-physnet') =>
  stateOf({
    Open_vSwitch: [{ external_ids: { 'ovn-bridge-mappings': mappings } }],
    Bridge: [{ name: 'br-physnet', ports: new Set(['card', 'patch']) }],
    Port: [
      { uuid: 'card', name: 'eth1', interfaces: ['eth1'], external_ids: { vendor: 'kube-ovn' } },
      { uuid: 'patch', name: PATCH, interfaces: ['patch'] },
    ],
    Interface: [
      { uuid: 'eth1', name: 'eth1', ofport: 1 },
      { uuid: 'patch', name: PATCH, type: 'patch', ofport: 4 },
    ],
  });

async function setUp({ mappings = 'physnet:br-physnet', isLive = true } = {}) {
  const log = new RecordingLog();
  const subnets = new FakeObjects('/subnets', projectSubnet, log);
  const vlans = new FakeObjects('/vlans', projectVlan, log);
  const services = new FakeObjects('/services', projectService, log);
  const calls: string[] = [];
  const bundles: string[] = [];
  const control = { isLive, shown: '', failures: new Map<string, Error>() };
  let isStarted = false;
  let live = () => {};
  let version = 0;
  const show = <T>(to: FakeObjects<T>, key: string, object: object) => {
    version += 1;
    const metadata = { name: key, uid: `uid-${key}`, resourceVersion: `${version}` };
    to.show(key, {
      apiVersion: 'v1',
      kind: 'x',
      ...object,
      metadata: { ...metadata, ...(object['metadata' as never] as object) },
    } as never);
  };
  const tables = new BridgeTables({
    ...{ subnets, vlans, services, log },
    ovs: { state: nodeWithBridge(mappings) },
    interfaces: {
      until: (_: unknown, signal: AbortSignal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
      synced: async () => undefined,
    } as never,
    control: {
      get isLive() {
        return control.isLive;
      },
      onLive: (listener) => {
        live = listener;
      },
      start: () => {
        isStarted = true;
      },
      stop: () => undefined,
      call: async (command, ...args) => {
        calls.push([command, ...args].join(' '));
        const failure = control.failures.get(command);
        if (failure !== undefined) throw failure;
        return command === 'fdb/show' ? control.shown : '';
      },
    },
    queues: new Queues({ log }),
    addFlows: async (_, bundle) => {
      bundles.push(bundle);
    },
    socketFolder: '/run/openvswitch',
  });
  show(vlans, 'vlan100', { spec: { id: 100, provider: 'physnet' } });
  tables.start();
  onTestFinished(() => tables.stop());
  await turns();
  return {
    ...{ log, calls, bundles, control },
    isStarted: () => isStarted,
    subnet: async (spec: object, status: object = {}) => {
      show(subnets, 'wired', { spec: { vlan: 'vlan100', ...spec }, status });
      await turns();
    },
    service: async () => {
      const annotations = { 'ovn.kubernetes.io/service_external_ip_from_subnet': 'wired' };
      const status = { loadBalancer: { ingress: [{ ip: '10.92.9.9' }] } };
      show(services, 'default/web', {
        metadata: { annotations },
        spec: { ports: [{ port: 80 }] },
        status,
      });
      await turns();
    },
    restarted: async () => {
      control.isLive = true;
      live();
      await turns();
    },
    empty: () => {
      calls.length = 0;
      bundles.length = 0;
    },
  };
}

describe('MAC table and flows of a provider bridge', () => {
  it('get what Subnets ask for, and nothing is done when what changes is none of it', async () => {
    const { subnet, calls, bundles, empty } = await setUp();
    await subnet(U2O, ROUTER);
    expect(calls).toContain(`fdb/add ${ENTRY}`);
    empty();
    await subnet(U2O, { ...ROUTER, v4availableIPs: 7 });
    expect([...calls, ...bundles]).toEqual([]);
  });

  it('of a node without provider networks are not asked for, nor is ovs-vswitchd', async () => {
    const { subnet, calls, bundles, isStarted } = await setUp({ mappings: '' });
    await subnet(U2O, ROUTER);
    expect([...calls, ...bundles]).toEqual([]);
    expect(isStarted()).toBe(false);
  });

  it('are written again to an ovs-vswitchd that has come anew', async () => {
    const { subnet, calls, bundles, empty, restarted } = await setUp();
    await subnet(U2O, ROUTER);
    empty();
    await restarted();
    expect(calls).toContain(`fdb/add ${ENTRY}`);
    expect(bundles).toHaveLength(1);
  });

  it('wait for an ovs-vswitchd that is away, and do nothing until it comes', async () => {
    const { subnet, calls, restarted } = await setUp({ isLive: false });
    await subnet(U2O, ROUTER);
    expect(calls).toEqual([]);
    await restarted();
    expect(calls).toContain(`fdb/add ${ENTRY}`);
  });

  it('lose what a daemon before has left', async () => {
    const { control, subnet, calls, restarted } = await setUp();
    control.shown =
      '    4   100  00:00:00:aa:bb:cc  static\n    4   200  00:00:00:aa:bb:cc  static';
    await subnet(U2O, ROUTER);
    await restarted();
    expect(calls.filter((call) => !call.startsWith('fdb/show')).at(-1)).toBe(
      'fdb/del br-physnet 200 00:00:00:aa:bb:cc',
    );
  });

  it('do without static entries where ovs-vswitchd is too old for them: flows are written, and one line says so', async () => {
    const { control, subnet, service, calls, bundles, log } = await setUp();
    const cause = new CallError('fdb/add', '"fdb/add" is not a valid command');
    control.failures.set('fdb/add', new UnknownCommand('fdb/add', { cause }));
    await subnet({ ...U2O, ...EXTERNAL }, ROUTER);
    await service();
    expect(bundles.at(-1)).toContain('nw_dst=10.92.9.9');
    const lines = log.lines.filter(({ message }) => message.includes('does not know'));
    expect(lines).toHaveLength(1);
    const adds = () => calls.filter((call) => call.startsWith('fdb/add'));
    expect(adds()).toHaveLength(1);
  });

  it('are each tried, whatever else fails', async () => {
    const { control, subnet, service, bundles, log } = await setUp();
    control.failures.set('fdb/show', new CallError('fdb/show', 'no such bridge'));
    await subnet({ ...U2O, ...EXTERNAL }, ROUTER);
    await service();
    expect(bundles.at(-1)).toContain('nw_dst=10.92.9.9');
    expect(
      log.lines.map(({ fields, message }) => `${message} ${JSON.stringify(fields)}`).join(),
    ).toContain('no such bridge');
  });
});
