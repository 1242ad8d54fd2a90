/** The controller's pod: init containers, until it leads and knows all objects, probes, its end. */
import type { ChartPod } from '../../test/lab/chart-pods.ts';
import { mustProbe } from './http-get.ts';
import { type PodSurroundings, specOf } from './pods.ts';
import type { Lab } from './run.ts';

const PROBES = 'http://10.0.0.1:10660';
const ENDS_WITHIN_MS = 30_000;

export async function checkController(
  { containerd, image, outcomes, api }: Lab,
  pod: ChartPod,
  around: PodSurroundings,
): Promise<void> {
  for (const init of pod.init) {
    await outcomes.check(`init container ${init.name} of the controller`, async () => {
      const { exitCode, stdout, stderr } = await containerd.run(image, specOf(pod, init, around));
      if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
      return undefined;
    });
  }
  const [container] = pod.containers;
  if (container === undefined) throw new Error('the pod has no container');
  const controller = await containerd.start(image, specOf(pod, container, around));
  const leads = await outcomes.check('the controller leads and knows all objects', async () => {
    await controller.logged('all objects are followed');
    return undefined;
  });
  if (!leads) return;
  for (const path of ['/livez', '/readyz', '/healthz', '/metrics']) {
    await outcomes.check(`GET ${path} on 10660`, () => mustProbe(`${PROBES}${path}`));
  }
  await outcomes.check('SIGTERM of the controller', async () => {
    const { code, ms } = await controller.terminate();
    if (code !== 0 || ms > ENDS_WITHIN_MS) throw new Error(`ended with ${code} after ${ms} ms`);
    return `0 after ${Math.round(ms)} ms`;
  });
  for (const lease of api.list('Lease'))
    api.delete('Lease', `${lease.metadata.namespace}/${lease.metadata.name}`);
}
