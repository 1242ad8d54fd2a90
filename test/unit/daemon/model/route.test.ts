import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cidrText, parseAddress } from '../../../../src/common/address.ts';
import { CniError } from '../../../../src/daemon/call/error.ts';
import type { Route } from '../../../../src/daemon/model/route.ts';
import {
  defaultDestination,
  isDefaultRoute,
  lastOfEachDestination,
  parseRoutes,
  toWireRoute,
} from '../../../../src/daemon/model/route.ts';
import { CniCode } from '../../../../src/wire/cni.ts';
import { expectReadable, failureOf, HOSTILE_TEXTS } from '../support.ts';

/** Routes as the wire has them again: short to compare. */
const parsed = (...routes: unknown[]) => parseRoutes(routes, 'routes').map(toWireRoute);

describe('a route', () => {
  it('loses the host bits of its destination', () => {
    expect(parsed({ dst: '192.168.0.101/24', gw: '10.16.0.254' })).toEqual([
      { dst: '192.168.0.0/24', gw: '10.16.0.254' },
    ]);
    expect(parsed({ dst: 'fd00:1::5/64', gw: 'fd00::1' })).toEqual([
      { dst: 'fd00:1::/64', gw: 'fd00::1' },
    ]);
  });

  it.each([
    ['10.16.0.1', '0.0.0.0/0'],
    ['fd00::1', '::/0'],
  ])('without dst to %s is the default route of that family', (gw, dst) => {
    expect(parsed({ gw }, { dst: '', gw })).toEqual([
      { dst, gw },
      { dst, gw },
    ]);
  });

  it('to an address without a mask is to one host', () => {
    expect(parsed({ dst: '1.1.1.1', gw: '10.16.0.1' }, { dst: 'fd01::1', gw: 'fd00::1' })).toEqual([
      { dst: '1.1.1.1/32', gw: '10.16.0.1' },
      { dst: 'fd01::1/128', gw: 'fd00::1' },
    ]);
  });

  it('without gw is on the link', () => {
    expect(parsed({ dst: '10.1.0.0/16' }, { dst: 'fd00::/64', gw: '' })).toEqual([
      { dst: '10.1.0.0/16' },
      { dst: 'fd00::/64' },
    ]);
  });

  it('keeps its place among the others', () => {
    const destinations = ['10.3.0.0/16', '10.1.0.0/16', '10.2.0.0/16'];
    expect(parsed(...destinations.map((dst) => ({ dst }))).map(({ dst }) => dst)).toEqual(
      destinations,
    );
  });

  it.each([
    [{}, 'routes[1].dst'],
    [{ dst: '' }, 'routes[1].dst'],
    [{ dst: '10.1.0.0/33', gw: '10.16.0.1' }, 'routes[1].dst'],
    [{ dst: '010.1.0.0/16' }, 'routes[1].dst'],
    [{ dst: 'default', gw: '10.16.0.1' }, 'routes[1].dst'],
    [{ dst: '10.1.0.0/16', gw: '010.1.1.1' }, 'routes[1].gw'],
    [{ dst: '10.1.0.0/16', gw: '10.16.0.1/16' }, 'routes[1].gw'],
    [{ dst: 'fe80::/64', gw: 'fe80::1%eth0' }, 'routes[1].gw'],
    [{ dst: '10.1.0.0/16', gw: 'fd00::1' }, 'routes[1]'],
    [{ dst: 'fd00::/64', gw: '10.16.0.1' }, 'routes[1]'],
    [{ dst: null }, 'routes[1]'],
    [{ dst: ['10.1.0.0/16'] }, 'routes[1]'],
    [{ dst: '10.1.0.0/16', gw: 1 }, 'routes[1]'],
    [null, 'routes[1]'],
    [[], 'routes[1]'],
    ['10.1.0.0/16', 'routes[1]'],
    [JSON.parse('{"__proto__":{"gw":"10.16.0.1"}}'), 'routes[1].dst'],
  ])('%j is refused, and the error names %s', (route, field) => {
    const error = failureOf(() => parsed({ dst: '10.9.0.0/16' }, route));
    expect(error.code).toBe(CniCode.invalidConfig);
    expect(error.message.startsWith(`${field} is wrong: `)).toBe(true);
    expect(error.details).toMatch(/^expected ./);
  });
});

describe('hostile routes', () => {
  it.each(['dst', 'gw'])('are refused for their %s', (field) => {
    for (const text of HOSTILE_TEXTS) {
      const error = failureOf(() => parsed({ dst: '10.1.0.0/16', [field]: text }));
      expect(error.message).toMatch(new RegExp(`^routes\\[0\\]\\.${field} is wrong: `));
      expectReadable(error);
    }
  });

  it('end in a CniError or in plain words, whatever JSON they are', async () => {
    const value = fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom('', '10.1.2.3/24', '10.16.0.1', 'fd00::1', '::/0') },
      fc.jsonValue(),
    );
    const route = fc.oneof(
      { weight: 3, arbitrary: fc.record({ dst: value, gw: value }, { requiredKeys: [] }) },
      fc.jsonValue(),
    );
    await fc.assert(
      fc.property(fc.array(route, { maxLength: 3 }), (routes) => {
        try {
          for (const { dst = '', gw = '' } of parsed(...routes)) {
            expect(`${dst} ${gw}`).toMatch(/^[0-9a-f.:]+\/\d{1,3} [0-9a-f.:]*$/);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CniError);
          expectReadable(error as CniError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('end in a CniError however deep they are nested', () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    for (const route of [deep, { dst: deep }, { dst: '10.1.0.0/16', gw: deep }]) {
      expectReadable(failureOf(() => parsed(route)));
    }
  });
});

describe('routes of several origins', () => {
  const routes = (...texts: [string, string][]) =>
    parseRoutes(
      texts.map(([dst, gw]) => ({ dst, gw })),
      'routes',
    );

  it('to one destination: the last one wins, in its own place', () => {
    const kept = lastOfEachDestination(
      routes(
        ['0.0.0.0/0', '10.16.0.1'],
        ['10.1.0.0/16', '10.16.0.2'],
        ['', '10.16.0.254'],
        ['10.1.0.9/16', '10.16.0.3'],
      ),
    );
    expect(kept.map(toWireRoute)).toEqual([
      { dst: '0.0.0.0/0', gw: '10.16.0.254' },
      { dst: '10.1.0.0/16', gw: '10.16.0.3' },
    ]);
  });

  it('come in the order of the routes that won', () => {
    const kept = lastOfEachDestination(
      routes(
        ['10.1.0.0/16', '10.16.0.1'],
        ['10.2.0.0/16', '10.16.0.1'],
        ['10.1.0.0/16', '10.16.0.2'],
      ),
    );
    expect(kept.map((route) => toWireRoute(route).dst)).toEqual(['10.2.0.0/16', '10.1.0.0/16']);
  });

  it('with default routes of both families: each keeps its own', () => {
    const both = routes(['', '10.16.0.1'], ['', 'fd00::1']);
    expect(lastOfEachDestination(both)).toEqual(both);
  });

  it('that differ only in the length of the mask are different', () => {
    const both = routes(['10.0.0.0/8', '10.16.0.1'], ['10.0.0.0/16', '10.16.0.2']);
    expect(lastOfEachDestination(both)).toEqual(both);
  });

  it('are left with one route per destination, the last, whatever they are', async () => {
    const route: fc.Arbitrary<Route> = fc
      .record({ network: fc.nat(3), length: fc.constantFrom(8, 16, 24), gateway: fc.nat(255) })
      .map(({ network, length, gateway }) => {
        const [parsedRoute] = routes([`10.${network}.0.0/${length}`, `10.16.0.${gateway}`]);
        if (parsedRoute === undefined) throw new Error('the generator is wrong');
        return parsedRoute;
      });
    await fc.assert(
      fc.property(fc.array(route), (all) => {
        const kept = lastOfEachDestination(all);
        const last = new Map(all.map((each) => [cidrText(each.destination), each]));
        expect(new Set(kept)).toEqual(new Set(last.values()));
        expect(kept).toHaveLength(last.size);
      }),
    );
  });
});

describe('the default route', () => {
  it.each(['IPv4', 'IPv6'] as const)('of %s is known as one', (family) => {
    expect(isDefaultRoute({ destination: defaultDestination(family) })).toBe(true);
  });

  it('is only the one to everywhere', () => {
    const gateway = parseAddress('10.16.0.1');
    const half = parseRoutes([{ dst: '0.0.0.0/1', gw: gateway?.text }], 'routes');
    expect(half.map(isDefaultRoute)).toEqual([false]);
  });
});
