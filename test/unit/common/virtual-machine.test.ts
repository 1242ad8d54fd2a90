import { describe, expect, it } from 'vitest';
import {
  claimProblem,
  type MachineInstance,
  readMachineClaim,
} from '../../../src/common/virtual-machine.ts';

const POD = { namespace: 'shop', uid: 'pod-uid' };
const CLAIM = { name: 'vm', uid: 'vmi-uid' };
const INSTANCE: MachineInstance = {
  namespace: 'shop',
  name: 'vm',
  uid: 'vmi-uid',
  deleting: false,
  activePods: undefined,
};

describe('what a pod claims by its owners', () => {
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', ...CLAIM };

  it.each(['kubevirt.io/v1', 'kubevirt.io/v1alpha3'])('is a machine of %s', (apiVersion) => {
    expect(readMachineClaim([{ ...owner, apiVersion }])).toEqual(CLAIM);
  });

  it.each([
    { kind: 'VirtualMachine' },
    { apiVersion: 'kubevirt.io.example.com/v1' },
    { name: '..' },
    { name: 'x?watch=true' },
    { name: 'a/b' },
    { name: '' },
  ])('is none with %j', (change) => {
    expect(readMachineClaim([{ ...owner, ...change }])).toBeUndefined();
  });
});

describe('a pod is shown to be a machine’s', () => {
  it.each([
    ['by name and UID where no pods are listed yet', {}],
    ['where it is listed', { activePods: new Set(['other', 'pod-uid']) }],
    ['while the instance ends', { deleting: true }],
  ])('%s', (_, change) => {
    expect(claimProblem(POD, CLAIM, { ...INSTANCE, ...change })).toBeUndefined();
  });

  it.each([
    ['no instance', undefined, 'does not exist'],
    ['one of another UID', { ...INSTANCE, uid: 'new' }, 'has UID new'],
    ['one that lists others', { ...INSTANCE, activePods: new Set(['x']) }, 'status.activePods'],
  ])('not by %s', (_, instance, text) => {
    const problem = claimProblem(POD, CLAIM, instance);
    expect(problem).toContain('VirtualMachineInstance shop/vm');
    expect(problem).toContain(text);
  });
});
