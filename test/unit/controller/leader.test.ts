/** A leader whose kinds of objects fail. */
import { expect, it, onTestFinished } from 'vitest';
import { Leader } from '../../../src/controller/leader.ts';
import { frontSubnet } from './ipam/addresses-support.ts';
import { setUp } from './kinds/set-up.ts';

it('what one kind throws ends neither the others nor the process, and is logged', async () => {
  const { context, fake } = setUp([frontSubnet({ provider: 'lan.shop' })]);
  const { northbound: _, ...withoutOvn } = context;
  fake.cluster.securityGroups.values = () => {
    throw new Error('a fault of ours');
  };
  const leader = new Leader(withoutOvn);
  onTestFinished(() => leader.stop());
  leader.start();
  leader.drifted({ kind: 'portGroup', name: 'ovn.sg.web' });
  const errors = context.log.lines.filter(({ level }) => level === 'error');
  expect(errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^a kind of objects failed .*: a fault of ours$/),
    expect.stringMatching(/^a kind of objects failed .*: a fault of ours$/),
  ]);
  const figures = leader.queueFigures();
  expect(figures.get('subnets')).toMatchObject({ adds: 1 });
  expect(figures.get('usage')).toMatchObject({ adds: 1 });
});
