import { describe, expect, it } from 'vitest';
import { type Cidr, parseCidr } from '../../../../src/common/address.ts';
import { CidrGroups } from '../../../../src/controller/ranges/cidr-groups.ts';

const cidr = (text: string) => parseCidr(text) as Cidr;

function groupsOf(...texts: readonly string[]) {
  const groups = new CidrGroups<string>();
  for (const text of texts) groups.add(cidr(text), text);
  const valuesIn = (text: string) =>
    groups
      .groupOf(cidr(text))
      ?.members.map(({ value }) => value)
      .sort();
  return { groups, valuesIn };
}

describe('networks in groups', () => {
  it('are with those that lie in them, and with no others', () => {
    const { groups, valuesIn } = groupsOf('10.1.1.0/24', '10.2.0.0/24', '10.1.0.0/16', 'fd00::/64');
    expect(groups.size).toBe(3);
    expect(valuesIn('10.1.9.0/24')).toEqual(['10.1.0.0/16', '10.1.1.0/24']);
    expect(valuesIn('10.2.0.128/25')).toEqual(['10.2.0.0/24']);
    expect(valuesIn('10.3.0.0/24')).toBeUndefined();
    expect(valuesIn('fd00::1/128')).toEqual(['fd00::/64']);
  });

  it('are in groups of their own again when the one around them has gone', () => {
    const { groups, valuesIn } = groupsOf('10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16');
    groups.takeChanged();
    groups.remove(cidr('10.0.0.0/8'), '10.0.0.0/8');
    expect(groups.size).toBe(2);
    expect(valuesIn('10.1.0.0/16')).toEqual(['10.1.0.0/16']);
    const changed = groups.takeChanged().flatMap(({ members }) => members);
    expect(changed.map(({ value }) => value).sort()).toEqual(['10.1.0.0/16', '10.2.0.0/16']);
    expect(groups.takeChanged()).toEqual([]);
  });

  it('stay together while another one of the same network is around them', () => {
    const { groups, valuesIn } = groupsOf('10.0.0.0/8', '10.1.0.0/16');
    groups.add(cidr('10.0.0.0/8'), 'another');
    groups.remove(cidr('10.0.0.0/8'), '10.0.0.0/8');
    expect(valuesIn('10.1.0.0/16')).toEqual(['10.1.0.0/16', 'another']);
  });

  it('leave nothing when they have gone', () => {
    const { groups } = groupsOf('10.0.0.0/8', '10.1.0.0/16');
    for (const text of ['10.1.0.0/16', '10.0.0.0/8']) groups.remove(cidr(text), text);
    expect(groups.size).toBe(0);
    groups.remove(cidr('10.0.0.0/8'), '10.0.0.0/8');
    expect(groups.groupOf(cidr('10.0.0.0/8'))).toBeUndefined();
  });
});
