import { describe, expect, it } from 'vitest';
import { parseEarlierResult } from '../../../../src/daemon/model/earlier-result.ts';
import type { PrevResult } from '../../../../src/wire/messages.ts';
import { attachmentOf, failureOf, NETNS } from '../support.ts';

const net1 = attachmentOf({ ifName: 'net1' });
const NIC = { name: 'net1', mac: '00:00:00:53:6B:B6', mtu: 1400, sandbox: NETNS };

function resultOf(changes: Partial<PrevResult> = {}): PrevResult {
  return {
    interfaces: [NIC],
    ips: [{ address: '10.16.0.15/16', interface: 0 }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.16.0.1' }],
    ...changes,
  };
}

/** Addresses with prefix lengths. */
function addressesOf(result: PrevResult, attachment = net1): string[] {
  const { addresses } = parseEarlierResult(result, attachment);
  return addresses.map(({ address, prefixLength }) => `${address.text}/${prefixLength}`);
}

describe('an earlier result', () => {
  it('has the interface, its addresses and all routes', () => {
    expect(parseEarlierResult(resultOf(), net1)).toEqual({
      interface: { mac: '00:00:00:53:6b:b6', mtu: 1400 },
      addresses: [{ address: { family: 'IPv4', text: '10.16.0.15' }, prefixLength: 16 }],
      routes: [
        {
          destination: { family: 'IPv4', network: '0.0.0.0', prefixLength: 0 },
          gateway: { family: 'IPv4', text: '10.16.0.1' },
        },
      ],
    });
  });

  it('may leave MAC and MTU open', () => {
    const interfaces = [{ ...NIC, mac: '', mtu: 0 }];
    const { interface: found } = parseEarlierResult(resultOf({ interfaces }), net1);
    expect(found).toEqual({ mac: undefined, mtu: undefined });
  });

  it.each([
    { ...NIC, name: 'net2' },
    { ...NIC, sandbox: '' },
    { ...NIC, sandbox: '/run/netns/other' },
  ])('has no interface but one of that name in that sandbox: not %j', (other) => {
    const result = resultOf({ interfaces: [other] });
    expect(parseEarlierResult(result, net1)).toMatchObject({ interface: undefined, addresses: [] });
  });

  it("leaves out other interfaces' addresses, and keeps those of none in particular", () => {
    const interfaces = [{ ...NIC, name: 'vethX', mac: 'not looked at', sandbox: '' }, NIC];
    const ips = [
      { address: '10.0.0.1/8', interface: 0 },
      { address: 'FD00:0::F/64', interface: 1 },
      { address: '10.2.0.0/16' },
    ];
    const result = resultOf({ interfaces, ips });
    expect(addressesOf(result)).toEqual(['fd00::f/64', '10.2.0.0/16']);
    const delegate = { ...net1, ipamOnly: true };
    expect(addressesOf(result, delegate)).toEqual(['10.0.0.1/8', 'fd00::f/64', '10.2.0.0/16']);
  });

  it.each<[Partial<PrevResult>, string]>([
    [{ ips: [{ address: '10.16.0.15' }] }, 'prevResult.ips[0].address is wrong: "10.16.0.15"'],
    [{ ips: [{ address: 'x/16' }] }, 'prevResult.ips[0].address is wrong: "x/16"'],
    [
      { ips: [{ address: '10.16.0.15/33' }] },
      'prevResult.ips[0].address is wrong: "10.16.0.15/33"',
    ],
    [
      { ips: [{ address: '10.16.0.15/16', interface: 1 }] },
      'prevResult.ips[0].interface is wrong: 1',
    ],
    [{ interfaces: [{ ...NIC, mac: 'zz' }] }, 'prevResult.interfaces[0].mac is wrong: "zz"'],
    [{ routes: [{}] }, 'prevResult.routes[0].dst is wrong: ""'],
    [{ routes: [{ dst: '10.0.0.0/8', gw: '1' }] }, 'prevResult.routes[0].gw is wrong: "1"'],
  ])('is refused with %j', (changes, message) => {
    const error = failureOf(() => parseEarlierResult(resultOf(changes), net1));
    expect([error.code, error.message]).toEqual([7, message]);
  });
});
