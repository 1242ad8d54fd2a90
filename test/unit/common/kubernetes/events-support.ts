/**
 * A recorder of events against the fake API server, and what it is given to record.
 */
import { KubernetesApi } from '../../../../src/common/kubernetes/api.ts';
import {
  type EventLimits,
  EventRecorder,
  type EventReporter,
  type ObjectEvent,
  podReference,
} from '../../../../src/common/kubernetes/events.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { configOf, RecordingLog } from './support.ts';

export const EVENTS = '/api/v1/namespaces/shop/events';
export const WEB = podReference({ namespace: 'shop', name: 'web-0', uid: 'uid-of-web-0' });
export const FAILED: ObjectEvent = {
  type: 'Warning',
  reason: 'PodNetworkConfigureFailed',
  message: 'the subnet has no gateway',
};
/** Of one node, as the daemon is. */
export const REPORTER: EventReporter = {
  component: 'node-1',
  host: 'node-1',
  reportingComponent: 'reporter',
  reportingInstance: 'instance',
};
export const LIMITS: EventLimits = { waiting: 100, atOnce: 1, remembered: 256 };

export async function setUp({
  reporter = REPORTER,
  ...limits
}: Partial<EventLimits> & { readonly reporter?: EventReporter } = {}) {
  const server = await FakeApiServer.start();
  const api = new KubernetesApi(configOf(server));
  const log = new RecordingLog();
  const recorder = new EventRecorder({ api, reporter, limits: { ...LIMITS, ...limits }, log });
  /** Records an event about `web-0`, or the object named, that differs in its message. */
  const say = (message: string, about = WEB) => recorder.record(about, { ...FAILED, message });
  /** Messages of the events on the server, in the order in which they were written. */
  const said = () =>
    server
      .list('Event')
      .sort((one, other) => versionOf(one) - versionOf(other))
      .map(({ message }) => message);
  /** Resolves when so many events were sent, and as many as are sent without an answer. */
  const sent = async (count: number) => {
    await server.requests.waitFor({ verb: 'create', path: EVENTS }, count);
    // One more would arrive no later than this; it has its answer when the server speaks again.
    void api.get('/another', {}, AbortSignal.timeout(60_000)).catch(() => undefined);
    await server.requests.waitFor({ path: '/another' }, 1);
  };
  const dispose = async () => {
    api.destroy();
    await server.close();
  };
  return { server, log, recorder, say, said, sent, [Symbol.asyncDispose]: dispose };
}

function versionOf({ metadata }: { metadata: { resourceVersion?: string } }): number {
  return Number(metadata.resourceVersion);
}

/** Messages that differ, as many as asked for. */
export function messages(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `message ${index}`);
}
