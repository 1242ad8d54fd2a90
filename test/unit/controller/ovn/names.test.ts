import { expect, it } from 'vitest';
import { addressSetName, portGroupName } from '../../../../src/controller/ovn/names.ts';
import { failureOf } from './support.ts';

it('groups and sets have dots where SecurityGroups have hyphens', () => {
  expect(portGroupName('web-tier.v2')).toBe('ovn.sg.web.tier.v2');
  expect(addressSetName('web-tier', 'IPv4')).toBe('ovn.sg.web.tier.associated.v4');
  expect(addressSetName('web-tier', 'IPv6')).toBe('ovn.sg.web.tier.associated.v6');
});

it.each(['a b', 'a && drop', 'a$b', 'ä', 'a\n'])(
  'a match takes no group named %j',
  async (name) => {
    expect((await failureOf(() => portGroupName(name))).reason).toBe('unsupported');
  },
);
