/**
 * Gives up requests with a body in the turn of the event loop in which they are sent, at one moment
 * after another, and writes `done` when a request was answered after each. A process of its own: what it
 * guards against holds the event loop for ever and takes all memory, so that another thread ends it then.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { KubernetesApi, loadKubeConfig } from '../../../../src/common/kubernetes/api.ts';

const POD = '/api/v1/namespaces/default/pods/a';
/** From the request's text to its write are some ten microtasks. */
const MOMENTS = 12;
const GUARD = `
  setInterval(() => {
    if (process.memoryUsage.rss() > 1e9) process.kill(process.pid, 'SIGKILL');
  }, 50)`;

new Worker(GUARD, { eval: true }).unref();
const api = new KubernetesApi(loadKubeConfig(process.argv[2]));
const never = new AbortController().signal;

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done++) await undefined;
}

await api.get(POD, {}, never);
for (let moment = 0; moment < MOMENTS; moment++) {
  // Not in the turn in which an answer came: Node sends what it has at the end of that one.
  await nextTurn();
  const given = new AbortController();
  const patch = {
    toJSON: () => {
      void microtasks(moment).then(() => given.abort(new Error('given up')));
      return { metadata: { annotations: { moment: String(moment) } } };
    },
  };
  const outcome = await api.mergePatch(POD, patch, given.signal).catch(String);
  if (outcome !== 'Error: given up') throw new Error(`not given up, but ${outcome}`);
  await api.get(POD, {}, never);
}
api.destroy();
process.stdout.write('done');
