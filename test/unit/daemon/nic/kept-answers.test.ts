import { describe, expect, it } from 'vitest';
import { KubernetesError } from '../../../../src/common/kubernetes/api.ts';
import { projectPod } from '../../../../src/daemon/model/pod.ts';
import { KeptAnswers } from '../../../../src/daemon/nic/kept-answers.ts';

const PATH = '/apis/kubeovn.io/v1/ips/web-0.shop';
const { signal } = new AbortController();
const podOf = (uid: string) => projectPod({ metadata: { namespace: 'shop', name: 'web-0', uid } });
const POD = podOf('uid-1');

function refusal(status: number): KubernetesError {
  return new KubernetesError({ status, reason: 'x', verb: 'get', path: PATH }, '');
}

/** Reads that are answered one after another: a text is an object, a number a status. */
function setUp(...answers: (string | number | Promise<string>)[]) {
  const get = async () => {
    const answer = answers.shift() ?? 503;
    if (typeof answer === 'number') throw refusal(answer);
    return await answer;
  };
  const known = new Set([POD.uid]);
  const kept = new KeptAnswers({
    api: { get },
    project: (raw) => `${raw}`,
    isKnown: ({ uid }) => known.has(uid),
  });
  return { known, kept, read: (pod = POD) => kept.read(pod, PATH, signal) };
}

describe('what the API server said last', () => {
  it.each([401, 403, 429, 500, 503])('counts where it answers %i now', async (status) => {
    const { read } = setUp('one', status);
    expect([await read(), await read()]).toEqual(['one', 'one']);
  });

  it('counts where the answer is late, which is then the next one', async () => {
    const late = Promise.withResolvers<string>();
    const { read } = setUp('one', late.promise);
    expect([await read(), await read()]).toEqual(['one', 'one']);
    late.resolve('two');
    await late.promise;
    await expect.poll(() => read()).toBe('two');
  });

  it('gives way to what it says now', async () => {
    const { read } = setUp('one', 'two', 404);
    expect([await read(), await read()]).toEqual(['one', 'two']);
    await expect(read()).rejects.toThrow('404');
    // And is forgotten.
    await expect(read()).rejects.toThrow('503');
  });

  it('may be that we have no right to read it', async () => {
    const { read } = setUp(403, 503, 'one');
    await expect(read()).rejects.toThrow('403');
    await expect(read()).rejects.toThrow('403');
    expect(await read()).toBe('one');
  });

  it('is nothing where it never answered', async () => {
    const { read } = setUp(503, 'one');
    await expect(read()).rejects.toThrow('503');
    expect(await read()).toBe('one');
  });

  it('is of one pod, also where another one has its name', async () => {
    const { known, read } = setUp('one', 503);
    await read();
    known.add('uid-2');
    await expect(read(podOf('uid-2'))).rejects.toThrow('503');
  });

  it('is forgotten with the pod, and not kept of one that has gone meanwhile', async () => {
    const { known, kept, read } = setUp('one', 'two', 503);
    await read();
    kept.forget(POD);
    known.delete(POD.uid);
    expect(await read()).toBe('two');
    await expect(read()).rejects.toThrow('503');
  });
});

it('who asks may stop waiting', async () => {
  const reason = new Error('the ADD is over');
  const { kept } = setUp('one', new Promise(() => {}));
  await kept.read(POD, PATH, signal);
  const controller = new AbortController();
  const read = kept.read(POD, PATH, controller.signal);
  controller.abort(reason);
  await expect(read).rejects.toBe(reason);
});
