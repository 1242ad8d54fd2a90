import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import {
  atStage,
  CallStages,
  enterStage,
  forThisCall,
  inStage,
  stageText,
} from '../../../../src/daemon/call/stage.ts';

/** The stage in which a call fails. */
async function stageOf(task: () => Promise<unknown>) {
  const call = new CallStages();
  const error = await call.run(task).then(
    () => expect.unreachable(),
    (reason: unknown) => reason,
  );
  return call.ofFailure(error);
}

const fail = () => Promise.reject(new Error('no answer'));

it('a failure belongs to the innermost stage that it passes through', async () => {
  const nested = () => inStage('configure-nic', inStage('make-port', fail()));
  expect(await stageOf(nested)).toBe('make-port');
  expect(await stageOf(fail)).toBeUndefined();
  const atOnce = async () => atStage('mtu', () => expect.unreachable());
  expect(await stageOf(atOnce)).toBe('mtu');
});

it('an error that explains another one has its stage', async () => {
  const explained = () =>
    inStage('check-gateway', fail()).catch((cause) => {
      throw new Error('waited for the gateway', { cause });
    });
  expect(await stageOf(explained)).toBe('check-gateway');
});

it('of a task that goes through several stages the last one counts', async () => {
  let stage: 'get-pod' | 'wait-address' = 'get-pod';
  const task = async () => {
    await sleep(1);
    stage = 'wait-address';
    await fail();
  };
  expect(await stageOf(() => inStage(() => stage, task()))).toBe('wait-address');
});

it('a stage that is over fails no more', async () => {
  const call = new CallStages();
  const error = new Error('later');
  await call.run(async () => {
    const place = enterStage('nic-slot');
    place.leave();
    place.fail(error);
  });
  expect(call.ofFailure(error)).toBeUndefined();
  expect([...call.ms.keys()]).toEqual(['nic-slot']);
});

it('one error that ends several calls has in each of them a stage of its own', async () => {
  const ending = new Error('the daemon is ending');
  const calls = [new CallStages(), new CallStages()] as const;
  const end = () => Promise.reject(ending);
  await Promise.allSettled([
    calls[0].run(() => inStage('queue', end())),
    calls[1].run(() => inStage('wait-address', end())),
  ]);
  expect(calls.map((call) => call.ofFailure(ending))).toEqual(['queue', 'wait-address']);
});

it('what others call on behalf of a call belongs to it', async () => {
  const call = new CallStages();
  const look = await call.run(async () =>
    forThisCall(() => atStage('parse-routes', () => expect.unreachable())),
  );
  const error = (() => {
    try {
      return look();
    } catch (reason) {
      return reason;
    }
  })();
  expect(call.ofFailure(error)).toBe('parse-routes');
});

it('times of a stage that is entered twice add up', async () => {
  const call = new CallStages();
  await call.run(async () => {
    await inStage('make-port', sleep(5));
    const once = call.ms.get('make-port') ?? 0;
    await inStage('make-port', sleep(5));
    expect(call.ms.get('make-port')).toBeGreaterThan(once);
  });
});

it('what is part of configure-nic in Kube-OVN is a step of it', () => {
  expect(stageText('install-flows')).toBe('stage=configure-nic step=install-flows');
  expect(stageText('wait-address')).toBe('stage=wait-address');
});
