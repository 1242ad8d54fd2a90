/** The controller is killed while pods come and go: the next one finds everything as it is. */
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { Ping } from '../../test/lab/ping.ts';
import { latePod } from './manifests.ts';
import { untilGone } from './objects.ts';
import { provePings } from './pings.ts';
import { addressOf, bringUp, podNamed, schedulePod } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

/** @returns the pods that are there then: without one of `pods`, and with another */
export async function proveNewerSandbox(
  stage: Stage,
  pods: readonly RunningPod[],
  report: Report,
): Promise<RunningPod[]> {
  report.section('The controller is killed while pods come and go');
  const { api, kubelet } = stage;
  const [sample, leaving] = [podNamed(pods, 'samplepod'), podNamed(pods, 'fixed')];
  const staying = pods.filter((pod) => pod !== leaving);
  const before = addressesNow(stage, staying);
  const ping = await Ping.start(sample.sandbox, '172.17.0.1');
  await stage.controller.stop('SIGKILL');
  await kubelet.end(leaving.pod);
  const pod = schedulePod(stage, latePod);
  const [late] = await Promise.all([
    bringUp(stage, pod, 'its ADD waits for the next controller', report),
    stage.startController(),
  ]);
  await untilGone(api, 'IP', 'fixed.default.attachnet.default.ovn');
  report.check('the address of a pod that went meanwhile is free', true, addressOf(leaving));
  const isSame = addressesNow(stage, staying) === before;
  report.check('no pod that lives has another address', isSame, `${staying.length} pods`);
  const { answered, lost } = await ping.stop();
  const counts = `${answered} answers, ${lost.length} lost`;
  report.check('pings of a pod went on all the time', lost.length === 0, counts);
  const to = { to: addressOf(late), what: 'latecomer' };
  await provePings([{ from: sample, by: 'net1', ...to }], report);
  return [...staying, late];
}

/** What the controller has written on pods, and in IP objects. */
function addressesNow({ api }: Stage, pods: readonly RunningPod[]): string {
  const names = new Set(pods.map(({ pod }) => pod.name));
  const annotations = api
    .list('Pod')
    .filter(({ metadata }) => names.has(metadata.name))
    .map(({ metadata }) => [metadata.name, metadata.annotations]);
  const ips = api.list('IP').filter(({ spec }) => names.has(String(spec?.podName)));
  return JSON.stringify([annotations, ips.map(({ metadata, spec }) => [metadata.name, spec])]);
}
