import { describe, expect, it } from 'vitest';
import type { DesiredAcl, DesiredRule } from '../../../../src/controller/ovn/desired.ts';
import { denyAllAcls, securityGroupAcls } from '../../../../src/controller/ovn/security-acls.ts';
import { cidr, groupOf, ruleOf } from './support.ts';

/** `direction priority tier action match`. */
function lines(acls: readonly DesiredAcl[]): string[] {
  return acls.map(
    ({ direction, priority, tier, action, match }) =>
      `${direction} ${priority} ${tier} ${action} ${match}`,
  );
}

/** What a rule comes to, of a group `web-tier`. */
function ruleLine(changes: Partial<DesiredRule>): string | undefined {
  const base = securityGroupAcls(groupOf('web-tier')).length;
  return lines(securityGroupAcls(groupOf('web-tier', [ruleOf(changes)])))[base];
}

describe('a rule', () => {
  it.each<[string, Partial<DesiredRule>, string]>([
    [
      'of all that comes from a network',
      { remote: { network: cidr('10.0.0.0/8') }, protocol: { name: 'all' } },
      'to-lport 18483 2 allow-related outport == @ovn.sg.web.tier && ip4 && ip4.src == 10.0.0.0/8',
    ],
    [
      'of one address, dropped',
      {
        remote: { network: cidr('10.0.0.7/32') },
        protocol: { name: 'all' },
        policy: 'drop',
        priority: 16384,
      },
      'to-lport 2100 2 drop outport == @ovn.sg.web.tier && ip4 && ip4.src == 10.0.0.7',
    ],
    [
      'of ICMP to a network of IPv6',
      { direction: 'egress', remote: { network: cidr('fd00::/64') } },
      'from-lport 18483 2 allow-related inport == @ovn.sg.web.tier && ip6 && ip6.dst == fd00::/64 && icmp6',
    ],
    [
      'of one TCP port from another group',
      {
        remote: { group: 'db-tier', family: 'IPv4' },
        protocol: { name: 'tcp', ports: { min: 80, max: 80 } },
      },
      'to-lport 18483 2 allow-related outport == @ovn.sg.web.tier && ip4 && ip4.src == $ovn.sg.db.tier.associated.v4 && 80 <= tcp.dst <= 80',
    ],
    [
      'of its own address and source ports, passed on',
      {
        remote: { group: 'db', family: 'IPv6' },
        local: cidr('fd00::5/128'),
        protocol: {
          name: 'udp',
          ports: { min: 1, max: 65535 },
          sourcePorts: { min: 5000, max: 6000 },
        },
        policy: 'pass',
      },
      'to-lport 18483 2 pass outport == @ovn.sg.web.tier && ip6 && ip6.src == $ovn.sg.db.associated.v6 && ip6.dst == fd00::5 && 1 <= udp.dst <= 65535 && 5000 <= udp.src <= 6000',
    ],
  ])('%s', (_, changes, line) => {
    expect(ruleLine(changes)).toBe(line);
  });

  it('of tier 1 is asked after those of tier 0', () => {
    const acls = securityGroupAcls(groupOf('web', [ruleOf()], { tier: 1 }));
    expect(acls.at(-1)).toMatchObject({ priority: 18483, tier: 3 });
  });
});

describe('a group', () => {
  it('always lets through what a network needs to work', () => {
    const own = lines(securityGroupAcls(groupOf('web')));
    const both = (direction: string, match: string) =>
      [2, 3].map((tier) => `${direction} 2005 ${tier} allow-related ${match}`);
    expect(own).toEqual([
      ...both('to-lport', 'outport == @ovn.sg.web && arp'),
      ...both(
        'to-lport',
        'outport == @ovn.sg.web && icmp6.type == {130, 134, 135, 136} && icmp6.code == 0 && ip.ttl == 255',
      ),
      ...both('to-lport', 'outport == @ovn.sg.web && udp.src == 67 && udp.dst == 68 && ip4'),
      ...both('to-lport', 'outport == @ovn.sg.web && udp.src == 547 && udp.dst == 546 && ip6'),
      ...both('to-lport', 'outport == @ovn.sg.web && ip.proto == 112'),
      ...both('from-lport', 'inport == @ovn.sg.web && arp'),
      ...both(
        'from-lport',
        'inport == @ovn.sg.web && icmp6.type == {130, 133, 135, 136} && icmp6.code == 0 && ip.ttl == 255',
      ),
      ...both('from-lport', 'inport == @ovn.sg.web && udp.src == 68 && udp.dst == 67 && ip4'),
      ...both('from-lport', 'inport == @ovn.sg.web && udp.src == 546 && udp.dst == 547 && ip6'),
      ...both('from-lport', 'inport == @ovn.sg.web && ip.proto == 112'),
    ]);
  });

  it('lets its members talk to each other where it is asked to', () => {
    const all = lines(securityGroupAcls(groupOf('web', [], { allowsSameGroup: true })));
    expect(all.filter((line) => line.includes(' 2004 '))).toEqual([
      'to-lport 2004 2 allow-related outport == @ovn.sg.web && ip4 && ip4.src == $ovn.sg.web.associated.v4',
      'to-lport 2004 2 allow-related outport == @ovn.sg.web && ip6 && ip6.src == $ovn.sg.web.associated.v6',
      'from-lport 2004 2 allow-related inport == @ovn.sg.web && ip4 && ip4.dst == $ovn.sg.web.associated.v4',
      'from-lport 2004 2 allow-related inport == @ovn.sg.web && ip6 && ip6.dst == $ovn.sg.web.associated.v6',
    ]);
  });

  it('of all with a SecurityGroup drops the rest, in each tier', () => {
    expect(lines(denyAllAcls({ hasLonePorts: false }))).toEqual([
      'to-lport 2003 2 drop outport == @ovn.sg.kubeovn_deny_all && ip',
      'to-lport 2003 3 drop outport == @ovn.sg.kubeovn_deny_all && ip',
      'from-lport 2003 2 drop inport == @ovn.sg.kubeovn_deny_all && ip',
      'from-lport 2003 3 drop inport == @ovn.sg.kubeovn_deny_all && ip',
    ]);
  });

  it('lets ports without an existing group have neighbour discovery, and nothing else', () => {
    const drops = lines(denyAllAcls({ hasLonePorts: false }));
    const more = lines(denyAllAcls({ hasLonePorts: true })).filter((line) => !drops.includes(line));
    const rest = 'icmp6.code == 0 && ip.ttl == 255';
    const to = `outport == @ovn.sg.kubeovn_deny_all && icmp6.type == {130, 134, 135, 136} && ${rest}`;
    const from = `inport == @ovn.sg.kubeovn_deny_all && icmp6.type == {130, 133, 135, 136} && ${rest}`;
    expect(more).toEqual([
      ...[`to-lport 2005 2 allow-related ${to}`, `to-lport 2005 3 allow-related ${to}`],
      ...[`from-lport 2005 2 allow-related ${from}`, `from-lport 2005 3 allow-related ${from}`],
    ]);
  });
});
