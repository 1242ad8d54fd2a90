/** A SecurityGroup that blocks, then allows, and then is taken away. */
import type { RunningPod } from '../../test/lab/kubelet.ts';
import { guardedPod, webGroup } from './manifests.ts';
import { applyAll, removeAll, untilObject } from './objects.ts';
import { provePingSoon, provePings, proveSilence } from './pings.ts';
import { addressOf, podNamed, runPods } from './pods.ts';
import type { Report } from './report.ts';
import type { Stage } from './stage.ts';

/** On any machine; ms. */
const GONE_WITHIN_MS = 20_000;

/** @returns the pod, which stays, without its SecurityGroup */
export async function addGuarded(
  stage: Stage,
  pods: readonly RunningPod[],
  report: Report,
): Promise<RunningPod[]> {
  report.section('A SecurityGroup blocks, and then allows');
  const sample = podNamed(pods, 'samplepod');
  const fixed = podNamed(pods, 'fixed');
  await applyGroup(stage, []);
  const guarded = await runPods(stage, [[guardedPod, 'in SecurityGroup web']], report);
  const target = { by: 'net1', to: addressOf(podNamed(guarded, 'guarded')), what: 'guarded' };
  report.info('web has no rules');
  await proveSilence([{ from: sample, ...target }], report);
  const ms = await applyGroup(stage, [addressOf(sample)]);
  report.info(`web allows pings of ${addressOf(sample)}: in force after ${ms} ms`);
  await provePings([{ from: sample, ...target }], report);
  await proveSilence([{ from: fixed, ...target }], report);
  await removeAll(stage.api, 'SecurityGroup', ['web']);
  await groupIsGone(stage);
  report.info('web is deleted: who lists a group that is not there is closed');
  await proveSilence([{ from: sample, ...target }], report);
  listNoGroup(stage);
  report.info('guarded lists it no more');
  await provePingSoon({ from: fixed, ...target }, report);
  return guarded;
}

function listNoGroup({ api }: Stage): void {
  const key = Object.keys(guardedPod.metadata.annotations ?? {}).find((one) =>
    one.endsWith('/security_groups'),
  );
  if (key === undefined) throw new Error('the guarded pod lists no SecurityGroup');
  api.patch('Pod', 'default/guarded', { metadata: { annotations: { [key]: null } } });
}

/** Waits until the controller has removed the group's rows after its object, and the node knows it. */
async function groupIsGone({ node }: Stage): Promise<void> {
  const find = ['--bare', '--columns=name', 'find', 'Port_Group', 'name=ovn.sg.web'];
  const signal = AbortSignal.timeout(GONE_WITHIN_MS);
  while ((await node.nbctl(...find)).trim() !== '') signal.throwIfAborted();
  await node.nbctl('--wait=hv', 'sync');
}

/**
 * Applies the group with these addresses allowed, and waits until the node does what it says.
 * @returns how long that takes; ms
 */
async function applyGroup({ api, node }: Stage, allowed: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  const [known] = api.list('SecurityGroup');
  applyAll(api, [webGroup(allowed)]);
  await untilObject(api, 'SecurityGroup', 'web', ({ status }) => {
    return status?.ingressMd5 !== undefined && status.ingressMd5 !== known?.status?.ingressMd5;
  });
  await node.nbctl('--wait=hv', 'sync');
  return Math.round(performance.now() - startedMs);
}
