import { describe, expect, it } from 'vitest';
import { annotationKey } from '../../../../src/controller/model/annotation-key.ts';

describe("the key of a NIC's annotation", () => {
  it('has the provider in front, and is the same each time', () => {
    const key = 'attachnet.default.ovn.kubernetes.io/ip_address';
    expect(annotationKey('attachnet.default.ovn', 'ip_address')).toBe(key);
    expect(annotationKey('attachnet.default.ovn', 'ip_address')).toBe(key);
    expect(annotationKey('ovn', 'ip_address')).toBe('ovn.kubernetes.io/ip_address');
  });

  it('is right for any number of providers and names, whatever was asked for before', () => {
    for (let number = 0; number < 3_000; number++) {
      expect(annotationKey(`net-${number}`, 'cidr')).toBe(`net-${number}.kubernetes.io/cidr`);
      expect(annotationKey('net', `name-${number}`)).toBe(`net.kubernetes.io/name-${number}`);
    }
    expect(annotationKey('__proto__', 'constructor')).toBe('__proto__.kubernetes.io/constructor');
  });
});
