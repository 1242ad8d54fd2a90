import { afterEach, expect, it, vi } from 'vitest';
import { podReference } from '../../../../src/common/kubernetes/events.ts';
import { createEventRecorder } from '../../../../src/daemon/report/event-recorder.ts';
import { RecordingLog } from '../recording-log.ts';

afterEach(() => void vi.useRealTimers());

const WEB = podReference({ namespace: 'shop', name: 'web-0', uid: 'uid-of-web-0' });

/** A recorder whose API server takes events, or never answers. */
function setUp({ isSilent = false } = {}) {
  const sent: string[] = [];
  const create = async (path: string, object: object) => {
    sent.push(`${path} ${JSON.stringify(object)}`);
    if (isSilent) await new Promise(() => {});
  };
  const log = new RecordingLog();
  const api = { create, mergePatch: expect.unreachable };
  return { sent, log, recorder: createEventRecorder({ api, nodeName: 'node-1', log }) };
}

it("an event of the daemon is its node's", async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-03-04T05:06:07.890Z') });
  const { sent, recorder } = setUp();
  recorder.record(WEB, { type: 'Warning', reason: 'PodQoSUpdateFailed', message: 'no number' });
  await recorder.idle;
  const texts = sent.map((text) => text.replace(/"web-0\.[0-9a-f]{16}"/, '"web-0.<hex>"'));
  expect(texts).toEqual([
    [
      '/api/v1/namespaces/shop/events {"apiVersion":"v1","kind":"Event",',
      '"metadata":{"name":"web-0.<hex>","namespace":"shop"},',
      '"involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":"shop","name":"web-0",',
      '"uid":"uid-of-web-0"},"type":"Warning","reason":"PodQoSUpdateFailed","message":"no number",',
      '"source":{"component":"node-1","host":"node-1"},"reportingComponent":"kube-ovn-cni",',
      '"reportingInstance":"node-1","firstTimestamp":"2026-03-04T05:06:07Z",',
      '"lastTimestamp":"2026-03-04T05:06:07Z","count":1}',
    ].join(''),
  ]);
});

it('a daemon writes one event at a time, and a hundred may wait', async () => {
  const { sent, log, recorder } = setUp({ isSilent: true });
  for (let index = 0; index < 102; index += 1) {
    const about = { ...WEB, uid: `uid-${index}` };
    recorder.record(about, { type: 'Normal', reason: 'PodQoSUpdated', message: '' });
  }
  await vi.waitFor(() => expect(sent).not.toEqual([]));
  expect(sent).toHaveLength(1);
  expect(log.lines.map(({ fields }) => fields)).toEqual([{ reason: '100 events wait' }]);
});
