import { expect, it } from 'vitest';
import { CallStages, inStage } from '../../../../src/daemon/call/stage.ts';
import { WrongAnnotation } from '../../../../src/daemon/nic/wrong-annotation.ts';
import { nicWith } from './support.ts';

it.each([
  ['parse-address', { ip_address: '10.81.0.300' }],
  ['parse-routes', { routes: '[{"dst":"all","gw":"10.81.0.1"}]' }],
] as const)('what is wrong with annotations fails in the stage %s', async (stage, wrong) => {
  const stages = new CallStages();
  const read = async () => nicWith(wrong);
  const error = await stages
    .run(() => inStage('get-pod', read()))
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  expect(error).toBeInstanceOf(WrongAnnotation);
  expect(stages.ofFailure(error)).toBe(stage);
});
