import { describe, expect, it } from 'vitest';
import { lackOf, withLack } from '../../../../src/controller/model/lack.ts';

const ippools = { group: 'kubeovn.io', resource: 'ippools' };
const problem = { message: 'ippool red not found', advice: 'create it' };

describe('what a cluster lacks for a kind', () => {
  it('is nothing where it is followed, or soon will be', () => {
    expect(lackOf({ state: 'synced' })).toBeUndefined();
    expect(lackOf({ state: 'pending' })).toBeUndefined();
    expect(withLack(problem, undefined)).toEqual(problem);
  });

  it('is its definition', () => {
    const lack = lackOf({ state: 'missing', ...ippools });
    expect(withLack(problem, lack)).toEqual({
      message: 'ippool red not found: the cluster has no ippools.kubeovn.io',
      advice: 'install the CustomResourceDefinition ippools.kubeovn.io',
    });
  });

  it('is the right to read it', () => {
    const lack = lackOf({ state: 'forbidden', verb: 'list', ...ippools });
    expect(withLack(problem, lack)).toEqual({
      message: 'ippool red not found: the controller may not list ippools.kubeovn.io',
      advice: 'grant its ClusterRole the verbs get, list and watch on ippools.kubeovn.io',
    });
  });
});
