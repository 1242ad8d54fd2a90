/** What the bridges of provider networks wait for at the daemon's start, and what they do not wait for. */
import { expect, it, onTestFinished } from 'vitest';
import { OvsdbError } from '../../../../src/common/ovsdb/error.ts';
import { Queues } from '../../../../src/common/reconcile/queues.ts';
import { projectVlan } from '../../../../src/common/vlan.ts';
import { projectNode } from '../../../../src/daemon/model/node.ts';
import {
  ProviderBridges,
  type ProviderBridgesOptions,
  projectCheckedNetwork,
} from '../../../../src/daemon/node/provider/provider-bridges.ts';
import { turns } from '../../../unit/common/reconcile/work-queue-support.ts';
import { FakeObjects } from '../../../unit/controller/kinds/fake-cluster.ts';
import { stateOf } from '../../../unit/daemon/ovs/rows.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

const OURS = { vendor: 'kube-ovn' };
const NODE = 'node1';
const metadata = (name: string) => ({ name, uid: `uid-${name}`, resourceVersion: '1' });

/** Objects that the API server does not list. */
class UnreadObjects<T> extends FakeObjects<T> {
  override readonly synced = new Promise<void>(() => {});
  override isSynced = false;
}

/** The cluster has ProviderNetwork net1, and OVS a bridge of net2, which has gone. */
function setUp(
  change: (
    options: ProviderBridgesOptions,
    log: RecordingLog,
  ) => Partial<Record<keyof ProviderBridgesOptions, unknown>>,
) {
  const log = new RecordingLog();
  const networks = new FakeObjects('/provider-networks', projectCheckedNetwork, log);
  const vlans = new FakeObjects('/vlans', projectVlan, log);
  const node = new FakeObjects('/nodes', projectNode, log);
  const state = stateOf({
    Open_vSwitch: [{ external_ids: { 'provider-move-net3': record('another boot') } }],
    Bridge: [{ name: 'br-net2', external_ids: OURS, ports: new Set() }],
  });
  const commands: string[] = [];
  const never = (_: unknown, signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  const common = {
    ...{ networks, vlans, node, log },
    ...{ nodeName: NODE, boot: 'this boot', macLearningFallback: false, ownPod: undefined },
    pods: { get: () => undefined },
    api: { mergePatch: async () => ({}) },
    ovs: { state, fresh: async () => state },
    root: { until: never },
    interfaces: { until: never },
    bridges: {
      isLive: true,
      synced: async () => undefined,
      until: async (evaluate: () => unknown, signal: AbortSignal) =>
        evaluate() ?? (await never(undefined, signal)),
    },
    addresses: { onChange: () => () => undefined },
    tunnels: { mtu: async () => 1400 },
    events: { record: () => undefined, idle: Promise.resolve() },
    queues: new Queues({ log }),
    vsctl: async (words: readonly string[]) => {
      commands.push(words.join(' '));
      return '';
    },
  } as unknown as ProviderBridgesOptions;
  node.show(NODE, { kind: 'Node', metadata: metadata(NODE) } as never);
  const spec = { defaultInterface: 'eth1' };
  networks.show('net1', { kind: 'ProviderNetwork', metadata: metadata('net1'), spec } as never);
  const bridges = new ProviderBridges({
    ...common,
    ...(change(common, log) as Partial<ProviderBridgesOptions>),
  });
  bridges.start();
  onTestFinished(() => bridges.stop());
  return { commands };
}

function record(boot: string): string {
  return JSON.stringify({ boot, bridge: 'br-x', card: 'x', goal: 'bridge', trunks: [], pairs: [] });
}

it('are looked for again when OVS’s database was away at the first look', async () => {
  let failures = 3;
  const { commands } = setUp(({ ovs }) => ({
    ovs: {
      state: ovs.state,
      fresh: async () => {
        failures -= 1;
        if (failures >= 0) throw new OvsdbError('unreachable', 'it restarts');
        return ovs.state;
      },
    },
  }));
  await expect.poll(() => commands.join()).toContain('external_ids "provider-move-net3"');
});

it('are removed of networks that have gone also while Vlans cannot be read', async () => {
  const { commands } = setUp((_, log) => ({
    vlans: new UnreadObjects('/vlans', projectVlan, log),
  }));
  await expect.poll(() => commands.join()).toContain('del-br br-net2');
  await turns();
  // The one that there is waits: its port would let fewer VLANs through.
  expect(commands.join()).not.toContain('br-net1');
});
