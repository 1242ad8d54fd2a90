import { describe, expect, it } from 'vitest';
import { KubernetesError } from '../../../../../src/common/kubernetes/api.ts';
import type { ObjectEvent } from '../../../../../src/common/kubernetes/event-object.ts';
import {
  projectProviderNetwork,
  providerNetworkLabels,
} from '../../../../../src/common/provider-network.ts';
import { ObjectEvents } from '../../../../../src/common/reconcile/object-events.ts';
import {
  labelChanges,
  labelsOf,
  type NetworkOutcome,
  Publication,
} from '../../../../../src/daemon/node/provider/publication.ts';
import { RecordingLog } from '../../recording-log.ts';

const KEYS = providerNetworkLabels('net1');
const SET_UP = { interface: 'eth1', mtu: 1500, vlanInterfaces: [] };
const READY: NetworkOutcome = { kind: 'ready', setUp: SET_UP };
const FAILED: NetworkOutcome = { kind: 'failed', interface: 'eth1', error: 'nic eth1 is away' };
const NETWORK = projectProviderNetwork({ metadata: { name: 'net1', uid: 'u' }, spec: {} });

describe('the labels of the Node', () => {
  it('say that it is ready, and on what', () => {
    expect(labelsOf('net1', READY)).toEqual({
      ...{ [KEYS.ready]: 'true', [KEYS.interface]: 'eth1', [KEYS.mtu]: '1500' },
      ...{ [KEYS.vlanInterfaces]: null, [KEYS.exclude]: null },
    });
    const setUp = { ...SET_UP, vlanInterfaces: ['eth1.10'] };
    expect(labelsOf('net1', { kind: 'ready', setUp })[KEYS.vlanInterfaces]).toBe('true');
  });

  it('say of an excluded node nothing but that', () => {
    expect(labelChanges(labelsOf('net1', { kind: 'excluded' }), {})).toEqual({
      [KEYS.exclude]: 'true',
    });
  });

  it('leave it to an earlier one whether a node is excluded, where a set-up fails', () => {
    const labels = { [KEYS.ready]: 'true', [KEYS.exclude]: 'true' };
    expect(labelChanges(labelsOf('net1', FAILED), labels)).toEqual({ [KEYS.ready]: null });
  });

  it('are all removed with the ProviderNetwork', () => {
    const labels = { [KEYS.exclude]: 'true', [KEYS.mtu]: '1500', other: 'x' };
    expect(labelChanges(labelsOf('net1', { kind: 'gone' }), labels)).toEqual({
      [KEYS.exclude]: null,
      [KEYS.mtu]: null,
    });
  });
});

describe('what the cluster hears', () => {
  function publication(labels: Record<string, string> = {}, refused?: number) {
    const patches: [path: string, patch: object][] = [];
    const events: ObjectEvent[] = [];
    const log = new RecordingLog();
    const publish = new Publication({
      api: {
        mergePatch: async (path, patch) => {
          if (refused !== undefined && path.includes('/pods/')) {
            const request = { verb: 'patch', path, reason: 'Forbidden' } as const;
            throw new KubernetesError({ status: refused, ...request }, 'no');
          }
          patches.push([path, patch]);
          return {};
        },
      },
      nodeName: 'node-1',
      node: { get: () => ({ labels, nodeNetworks: {} }) },
      pods: { get: () => undefined },
      ownPod: { namespace: 'kube-system', name: 'daemon-x' },
      events: new ObjectEvents({
        record: (_, event) => void events.push(event),
        idle: Promise.resolve(),
      }),
      log,
    });
    return { publish, patches, events, log };
  }

  it('is written once: nothing is sent that is so already', async () => {
    const labels = { [KEYS.ready]: 'true', [KEYS.interface]: 'eth1', [KEYS.mtu]: '1500' };
    const { publish, patches, events } = publication(labels);
    await publish.publish('net1', NETWORK, READY);
    expect([patches, events]).toEqual([[], []]);
  });

  it('has an event when the node is ready, or has another MTU', async () => {
    const { publish, events } = publication({ [KEYS.ready]: 'true', [KEYS.interface]: 'eth1' });
    await publish.publish('net1', NETWORK, READY);
    expect(events).toEqual([
      {
        type: 'Normal',
        reason: 'InitOVSBridgeSucceeded',
        message: 'Initialized provider network: node=node-1 interface=eth1 mtu=1500',
      },
    ]);
  });

  it('has an error on the pod of the daemon and in one event, and takes it off again', async () => {
    const { publish, patches, events } = publication();
    await publish.publish('net1', NETWORK, FAILED);
    await publish.publish('net1', NETWORK, FAILED);
    const key = 'net1.provider-network.kubernetes.io/err_mesg';
    const path = '/api/v1/namespaces/kube-system/pods/daemon-x';
    const patchOf = (error: string | null) => ({ metadata: { annotations: { [key]: error } } });
    expect(patches).toEqual([[path, patchOf('nic eth1 is away')]]);
    expect(events).toHaveLength(1);
    await publish.publish('net1', NETWORK, { kind: 'excluded' });
    expect(patches[1]).toEqual([path, patchOf(null)]);
  });

  it.each([403, 404])(
    'has the labels where the annotation cannot be written: %d',
    async (status) => {
      const { publish, patches, log } = publication({ [KEYS.ready]: 'true' }, status);
      await publish.publish('net1', NETWORK, FAILED);
      await publish.publish('net1', NETWORK, FAILED);
      expect(patches[0]?.[1]).toEqual({ metadata: { labels: { [KEYS.ready]: null } } });
      expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(
        status === 403 ? 1 : 0,
      );
    },
  );
});
