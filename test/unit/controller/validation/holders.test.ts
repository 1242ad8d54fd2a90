import { describe, expect, it } from 'vitest';
import { projectIp } from '../../../../src/controller/kinds/ip/object/ip.ts';
import { holdersText } from '../../../../src/controller/validation/holders.ts';
import { rawObject } from '../kinds/object-support.ts';

const ip = (podName: string, more: object = {}, labels = {}) =>
  projectIp(
    rawObject(`${podName}.shop`, {
      metadata: { labels },
      spec: { podName, namespace: 'shop', subnet: 'red', v4IpAddress: '10.1.0.2', ...more },
    }),
  );

describe('who holds addresses', () => {
  it('is named, up to three of them', () => {
    expect(holdersText([])).toBe('');
    expect(holdersText([ip('a')])).toBe('pod shop/a');
    expect(holdersText([ip('a'), ip('b'), ip('c')])).toBe('pod shop/a, pod shop/b, pod shop/c');
    expect(holdersText([ip('a'), ip('b'), ip('c'), ip('d')])).toBe(
      'pod shop/a, pod shop/b, pod shop/c and others',
    );
  });

  it('is a virtual machine, or an IP object that a user reserves', () => {
    expect(holdersText([ip('vm', { podType: 'VirtualMachine' })])).toBe('virtual machine shop/vm');
    expect(holdersText([ip('a', {}, { 'ovn.kubernetes.io/ip_reserved': 'true' })])).toBe(
      'IP a.shop',
    );
    expect(holdersText([ip('x', { namespace: '' })])).toBe('IP x.shop');
  });

  it('cannot forge a line of a log', () => {
    expect(holdersText([ip('a\nb')])).not.toContain('\n');
  });
});
