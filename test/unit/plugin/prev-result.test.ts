import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { decodeConfig } from '../../../src/plugin/network-config.ts';
import { readPrevResult } from '../../../src/plugin/prev-result.ts';
import { PrevResultSchema } from '../../../src/wire/messages.ts';
import { failureOf } from './attempt.ts';

function read(prevResult: unknown) {
  return readPrevResult(decodeConfig(JSON.stringify({ prevResult })).top);
}

const SANDBOX = '/run/netns/pod';
const HOST_END = { name: 'c0ffee_h', mac: '00:00:00:00:00:01', sandbox: '' };
const POD_END = { name: 'eth0', mac: '00:00:00:ab:cd:ef', sandbox: SANDBOX };
const ROUTES = [{ dst: '0.0.0.0/0', gw: '10.16.0.1' }];

describe('the result of an earlier ADD', () => {
  it('has one form, whichever version of the specification it is of', () => {
    const address = { address: '10.16.0.5/16', gateway: '10.16.0.1', interface: 1 };
    const common = { interfaces: [HOST_END, POD_END], routes: ROUTES, dns: { domain: 'a.org' } };
    const expected = {
      interfaces: [
        { ...HOST_END, mtu: 0 },
        { ...POD_END, mtu: 0 },
      ],
      ips: [{ address: '10.16.0.5/16', interface: 1 }],
      routes: ROUTES,
    };
    const old = { cniVersion: '0.4.0', ...common, ips: [{ version: '4', ...address }] };
    expect(read(old)).toEqual(expected);
    expect(read({ cniVersion: '1.0.0', ...common, ips: [address] })).toEqual(expected);
    const interfaces = [HOST_END, { ...POD_END, mtu: 1400, pciID: '', socketPath: '' }];
    const newest = { cniVersion: '1.1.0', ...common, interfaces, ips: [address] };
    expect(read(newest)).toEqual({
      ...expected,
      interfaces: [
        { ...HOST_END, mtu: 0 },
        { ...POD_END, mtu: 1400 },
      ],
    });
    expect(Schema.Check(PrevResultSchema, read(newest))).toBe(true);
  });

  it('of an IPAM delegate or an empty one has empty lists', () => {
    const empty = { interfaces: [], ips: [], routes: [] };
    expect(read({})).toEqual(empty);
    expect(read({ interfaces: null, ips: null, routes: null })).toEqual(empty);
  });

  it('has empty fields for what it does not say', () => {
    expect(
      read({ interfaces: [{ name: 'eth0', mtu: null }], ips: [{ address: '::1/128' }] }),
    ).toEqual({
      interfaces: [{ name: 'eth0', mac: '', mtu: 0, sandbox: '' }],
      ips: [{ address: '::1/128' }],
      routes: [],
    });
  });

  it.each([-1, 1.5, '0', null, {}])('says no interface of an address by the index %j', (index) => {
    const ips = [{ address: '10.16.0.5/16', interface: index }];
    expect(read({ ips }).ips).toEqual([{ address: '10.16.0.5/16' }]);
  });
});

describe('a wrong result', () => {
  it.each([
    [undefined, "prevResult: expected the result of this attachment's ADD, found nothing"],
    [null, "prevResult: expected the result of this attachment's ADD, found null"],
    ['text', 'prevResult: expected the result'],
    [[], 'prevResult: expected the result'],
    [{ interfaces: {} }, 'prevResult.interfaces: expected an array of objects, found {}'],
    [{ interfaces: ['eth0'] }, 'prevResult.interfaces[0]: expected an object, found "eth0"'],
    [
      { interfaces: [POD_END, {}] },
      'prevResult.interfaces[1].name: expected a name, found nothing',
    ],
    [{ interfaces: [{ ...POD_END, mac: 1 }] }, 'prevResult.interfaces[0].mac: expected a string'],
    [{ interfaces: [{ ...POD_END, mtu: '1400' }] }, 'mtu: expected a number of bytes'],
    [{ interfaces: [{ ...POD_END, mtu: -1 }] }, 'mtu: expected a number of bytes, found -1'],
    [{ interfaces: [{ ...POD_END, sandbox: [] }] }, 'prevResult.interfaces[0].sandbox: expected'],
    [{ ips: 'x' }, 'prevResult.ips: expected an array of objects, found "x"'],
    [{ ips: [{ interface: 0 }] }, 'prevResult.ips[0].address: expected an address with its prefix'],
    [{ ips: [{ address: 1 }] }, 'prevResult.ips[0].address: expected a string, found 1'],
    [{ routes: [{ dst: 1 }] }, 'prevResult.routes[0].dst: expected a string, found 1'],
  ])('%j is error 7: %s', (prevResult, details) => {
    const failure = failureOf(() => read(prevResult));
    expect(failure.code).toBe(7);
    expect(failure.details).toContain(details);
  });
});
