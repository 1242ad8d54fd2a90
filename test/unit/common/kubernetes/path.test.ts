import { describe, expect, it } from 'vitest';
import {
  below,
  collectionPath,
  KINDS,
  objectPath,
  resourceName,
  resourceOf,
} from '../../../../src/common/kubernetes/path.ts';

describe('a path of the API server', () => {
  it('is of a collection or an object, in a namespace or without one', () => {
    expect(collectionPath(KINDS.pods)).toBe('/api/v1/pods');
    expect(collectionPath(KINDS.pods, 'default')).toBe('/api/v1/namespaces/default/pods');
    expect(objectPath(KINDS.pods, 'a', 'default')).toBe('/api/v1/namespaces/default/pods/a');
    expect(objectPath(KINDS.ips, 'a.default')).toBe('/apis/kubeovn.io/v1/ips/a.default');
    expect(below(objectPath(KINDS.subnets, 'net'), 'status')).toBe(
      '/apis/kubeovn.io/v1/subnets/net/status',
    );
  });

  it.each([
    ['x?watch=true'],
    ['x#fragment'],
    ['a/../../../nodes'],
    ['../secrets'],
    ['%2e%2e'],
    ['a b'],
    ['a\\b'],
    ['a;b'],
    ['ü'],
    ['\ud800'],
    ['a\n'],
  ])('has %j as one segment, of which nothing but the name can be meant', (name) => {
    const path = objectPath(KINDS.virtualMachines, name, 'default');
    const url = new URL(`https://server${path}`);
    expect(url.search + url.hash).toBe('');
    const segments = url.pathname.split('/');
    expect(segments.slice(0, -1).join('/')).toBe(
      '/apis/kubevirt.io/v1/namespaces/default/virtualmachines',
    );
    expect(decodeURIComponent(segments.at(-1) ?? '')).toBe(name.toWellFormed());
  });

  it.each([[''], ['.'], ['..']])(
    'is never made of %j, which an URL takes for another one',
    (name) => {
      expect(() => objectPath(KINDS.pods, name, 'default')).toThrow(TypeError);
      expect(() => objectPath(KINDS.pods, 'a', name)).toThrow(TypeError);
    },
  );
});

describe('the kind of a path', () => {
  it.each([
    ['/api/v1/pods', 'pods'],
    ['/api/v1/namespaces', 'namespaces'],
    ['/api/v1/namespaces/default/pods', 'pods'],
    ['/apis/kubeovn.io/v1/ippools', 'ippools.kubeovn.io'],
    ['/apis/coordination.k8s.io/v1/namespaces/kube-system/leases', 'leases.coordination.k8s.io'],
  ])('%s is %s', (path, name) => {
    expect(resourceName(resourceOf(path))).toBe(name);
  });
});
