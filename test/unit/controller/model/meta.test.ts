import { describe, expect, it } from 'vitest';
import { readFields } from '../../../../src/common/fields.ts';
import { matchesLabels, readLabelSelector } from '../../../../src/common/label-selector.ts';
import { projectNamespace } from '../../../../src/controller/kinds/namespace/object/namespace.ts';
import {
  FINALIZER,
  finalizerAdded,
  finalizerRemoved,
  projectMeta,
} from '../../../../src/controller/model/meta.ts';
import { rawObject } from '../kinds/object-support.ts';

const meta = (metadata: object = {}) => projectMeta(rawObject('net', { metadata }));
const DELETED = { deletionTimestamp: '2026-01-01T00:00:00Z' };

describe('our finalizer', () => {
  it('is added beside those of others, unless the object has changed meanwhile', () => {
    expect(finalizerAdded(meta({ finalizers: ['a/b'] }))).toEqual({
      metadata: { resourceVersion: '7', finalizers: ['a/b', FINALIZER] },
    });
    expect(finalizerAdded(meta({ finalizers: [FINALIZER] }))).toBeUndefined();
  });

  it('is not added to what is being deleted', () => {
    expect(finalizerAdded(meta(DELETED))).toBeUndefined();
  });

  it('takes the place of the one of old versions', () => {
    expect(finalizerAdded(meta({ finalizers: ['kube-ovn-controller'] }))).toMatchObject({
      metadata: { finalizers: [FINALIZER] },
    });
  });

  it('is removed under either name', () => {
    const finalizers = ['kube-ovn-controller', 'a/b', FINALIZER];
    expect(finalizerRemoved(meta({ ...DELETED, finalizers }))).toEqual({
      metadata: { resourceVersion: '7', finalizers: ['a/b'] },
    });
    expect(finalizerRemoved(meta({ finalizers: ['a/b'] }))).toBeUndefined();
  });
});

describe('a label selector', () => {
  const matches = (selector: object, labels: Record<string, string>) =>
    matchesLabels(
      readLabelSelector(readFields(selector, 'selector', () => {})),
      new Map(Object.entries(labels)),
    );
  const expression = (operator: string, ...values: string[]) => {
    return { matchExpressions: [{ key: 'a', operator, values }] };
  };

  it.each([
    ['everything', {}, {}, true],
    ['a label', { matchLabels: { a: '1' } }, { a: '1', b: '2' }, true],
    ['another value', { matchLabels: { a: '1' } }, { a: '2' }, false],
    ['one of several values', expression('In', '1', '2'), { a: '2' }, true],
    ['none of several values', expression('In', '1', '2'), { a: '3' }, false],
    ['no label among values', expression('In', '1'), {}, false],
    ['other values', expression('NotIn', '1'), { a: '2' }, true],
    ['a value not wanted', expression('NotIn', '1'), { a: '1' }, false],
    ['no label at all', expression('NotIn', '1'), {}, true],
    ['a label that exists', expression('Exists'), { a: '' }, true],
    ['one that does not', expression('Exists'), {}, false],
    ['a label that is not there', expression('DoesNotExist'), {}, true],
    ['one that is', expression('DoesNotExist'), { a: '1' }, false],
    ['an operator that there is not', expression('Like', '1'), { a: '1' }, false],
  ])('matches or not: %s', (_, selector, labels, expected) => {
    expect(matches(selector, labels as Record<string, string>)).toBe(expected);
  });
});

describe('a Namespace', () => {
  it('names the Subnets and IPPools of its pods', () => {
    const annotations = {
      'ovn.kubernetes.io/logical_switch': 'a, b,',
      'ovn.kubernetes.io/ip_pool': 'p',
    };
    const namespace = projectNamespace(
      rawObject('shop', { metadata: { annotations, labels: { x: 'y' } } }),
    );
    expect(namespace).toMatchObject({ name: 'shop', subnets: ['a', 'b'], ipPools: ['p'] });
    expect([...namespace.labels]).toEqual([['x', 'y']]);
    expect(projectNamespace(rawObject('bare'))).toMatchObject({ subnets: [], ipPools: [] });
  });
});
