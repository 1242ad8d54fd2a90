import { describe, expect, it } from 'vitest';
import { desiredRouter } from '../../../../../src/controller/kinds/vpc/desired-router.ts';
import { cidr, routeOf } from '../../ovn/support.ts';
import { address, rightOf, settings, subnetObject, vpcObject } from '../object-support.ts';

const vpcOf = (name: string, spec: object = {}) => rightOf(vpcObject(name, spec).checked);
const join = subnetObject('join', { cidrBlock: '100.64.0.0/16,fd00:64::/112' });
const front = subnetObject('front', { cidrBlock: '10.1.0.0/24', vpc: 'tenant' });

/** What goes to a Subnet stays in the router. */
const within = (subnet: string, match: string) => ({
  priority: 31_000,
  match,
  action: 'allow',
  nexthops: [],
  subnet,
});

describe('the router', () => {
  it('of a Vpc without anything has nothing', () => {
    expect(desiredRouter(vpcOf('tenant'), [], settings)).toEqual({
      name: 'tenant',
      learnsFromArpRequests: false,
      routes: [],
      policies: [],
      unreadable: new Set(),
      overlay: { cidrs: [], isNeeded: false },
      legs: [],
      withoutLegs: [],
    });
  });

  it('has the static routes of its Vpc, where the policy says which end they look at', () => {
    const staticRoutes = [
      { cidr: '192.168.0.0/16', nextHopIP: '10.1.0.254' },
      { cidr: '10.1.0.7', nextHopIP: '10.1.0.253', policy: 'policySrc', routeTable: 'blue' },
    ];
    expect(desiredRouter(vpcOf('tenant', { staticRoutes }), [front], settings).routes).toEqual([
      routeOf('192.168.0.0/16', '10.1.0.254'),
      routeOf('10.1.0.7/32', '10.1.0.253', { by: 'src-ip', routeTable: 'blue' }),
    ]);
  });

  it('has the policies of its Vpc, and those of the Subnets behind it', () => {
    const policyRoutes = [
      { priority: 10, match: 'ip4', action: 'reroute', nextHopIP: '10.1.0.2,10.1.0.3' },
      { priority: 11, match: 'ip6', action: 'drop' },
    ];
    const dual = subnetObject('dual', { cidrBlock: '10.2.0.0/24,fd00:2::/64', vpc: 'tenant' });
    expect(
      desiredRouter(vpcOf('tenant', { policyRoutes }), [front, dual], settings).policies,
    ).toEqual([
      {
        priority: 10,
        match: 'ip4',
        action: 'reroute',
        nexthops: [address('10.1.0.2'), address('10.1.0.3')],
      },
      { priority: 11, match: 'ip6', action: 'drop', nexthops: [] },
      within('front', 'ip4.dst == 10.1.0.0/24'),
      within('dual', 'ip4.dst == 10.2.0.0/24'),
      within('dual', 'ip6.dst == fd00:2::/64'),
    ]);
  });

  it('has nothing of a Subnet in which it has no port, and all of one that became wrong', () => {
    const wrong = subnetObject('wrong', { cidrBlock: '10.2.0.0/24', gateway: '10.9.0.1' });
    const outside = subnetObject('outside', { cidrBlock: '10.3.0.0/24', vlan: 'vlan7' });
    const logical = subnetObject('logical', {
      cidrBlock: '10.4.0.0/24',
      vlan: 'vlan7',
      logicalGateway: true,
    });
    const { policies } = desiredRouter(vpcOf('tenant'), [wrong, outside, logical], settings);
    expect(policies).toEqual([
      within('wrong', 'ip4.dst == 10.2.0.0/24'),
      within('logical', 'ip4.dst == 10.4.0.0/24'),
    ]);
  });
});

describe('a Vpc with policies that reroute', () => {
  const dual = subnetObject('dual', { cidrBlock: '10.2.0.0/24,fd00:2::/64', vpc: 'tenant' });
  const fallback = { isFallback: true };
  const routesOf = (policyRoutes: readonly object[], ...subnets: (typeof dual)[]) =>
    desiredRouter(vpcOf('tenant', { policyRoutes }), subnets, settings).routes;
  const reroute = { priority: 10, match: 'ip4', action: 'reroute', nextHopIP: '10.1.0.2' };

  it('has a route to anywhere, by which packets get as far as the policies', () => {
    expect(routesOf([reroute], front)).toEqual([routeOf('0.0.0.0/0', '10.1.0.1', fallback)]);
    expect(routesOf([reroute], front, dual)).toEqual([
      routeOf('0.0.0.0/0', '10.2.0.1', fallback),
      routeOf('::/0', 'fd00:2::1', fallback),
    ]);
  });

  it('has none where it has no Subnet, or where no policy leads anywhere', () => {
    const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    const spec = { cidrBlock: '10.5.0.0/24', vpc: 'tenant' };
    const going = subnetObject('going', spec, { metadata: deleting });
    expect(routesOf([reroute])).toEqual([]);
    expect(routesOf([reroute], going)).toEqual([]);
    expect(routesOf([{ priority: 10, match: 'ip4', action: 'drop' }], front)).toEqual([]);
  });
});

describe('the router of the default Vpc', () => {
  const routesWith = (...subnets: Parameters<typeof desiredRouter>[1]) =>
    desiredRouter(vpcOf('ovn-cluster'), subnets, settings).routes;

  it('sends what it does not know to the nodes, by each family that their Subnet has', () => {
    expect(routesWith(front, join)).toEqual([
      routeOf('0.0.0.0/0', '100.64.0.1'),
      routeOf('::/0', 'fd00:64::1'),
    ]);
  });

  it('does so besides its own routes', () => {
    const staticRoutes = [{ cidr: '192.168.0.0/16', nextHopIP: '10.1.0.254' }];
    const vpc = vpcOf('ovn-cluster', { staticRoutes });
    const prefixes = desiredRouter(vpc, [join], settings).routes.map(
      ({ prefix }) => prefix.network,
    );
    expect(prefixes).toEqual(['0.0.0.0', '::', '192.168.0.0']);
  });

  it.each([
    ['there is none', front],
    ['it is wrong', subnetObject('join', { cidrBlock: 'nonsense' })],
  ])('does not where %s', (_, subnet) => {
    expect(routesWith(subnet)).toEqual([]);
  });

  it('is the only one that does', () => {
    expect(desiredRouter(vpcOf('tenant'), [join], settings).routes).toEqual([]);
  });

  it('knows their Subnet by the name that the cluster has for it', () => {
    const nodes = subnetObject(
      'nodes',
      { cidrBlock: '100.65.0.0/16' },
      {},
      { joinSubnet: 'nodes' },
    );
    const named = { ...settings, joinSubnet: 'nodes' };
    const { routes } = desiredRouter(vpcOf('ovn-cluster'), [join, nodes], named);
    expect(routes).toEqual([routeOf('0.0.0.0/0', '100.65.0.1')]);
  });
});

describe('an underlay Subnet in which the router has a leg', () => {
  const spec = { cidrBlock: '10.5.0.0/24', vlan: 'vlan7', u2oInterconnection: true };
  const status = { u2oInterconnectionIP: '10.5.0.9' };
  const underlay = (more: object = {}) =>
    subnetObject('under-lay', { vpc: 'tenant', ...spec, ...more }, { status });
  const ids = { isU2ORoutePolicy: 'true' };
  const toGateway = (priority: number, match: string, marks: object = ids) => ({
    priority,
    match,
    action: 'reroute',
    nexthops: [address('10.5.0.1')],
    subnet: 'under-lay',
    ids: marks,
  });
  const allowed = (priority: number, match: string, marks: object = ids) => ({
    priority,
    match,
    action: 'allow',
    nexthops: [],
    subnet: 'under-lay',
    ids: marks,
  });
  const inDefault = (more: object = {}) =>
    desiredRouter(
      vpcOf('ovn-cluster'),
      [join, underlay({ vpc: 'ovn-cluster', ...more })],
      settings,
    );

  it('in the default Vpc sends to its gateway what the router does not know, and what is for nodes', () => {
    const { policies, routes, learnsFromArpRequests, overlay } = inDefault();
    expect(policies.slice(2)).toEqual([
      allowed(29_400, 'ip4.dst == 10.5.0.0/24'),
      toGateway(31_000, 'ip4.dst == $under.lay.u2o_exclude_ip.ip4 && ip4.src == 10.5.0.0/24'),
      toGateway(29_000, 'ip4.src == 10.5.0.0/24'),
    ]);
    expect(routes).toEqual([
      routeOf('0.0.0.0/0', '100.64.0.1'),
      routeOf('::/0', 'fd00:64::1'),
      routeOf('0.0.0.0/0', '100.64.0.1', { isFallback: true }),
      routeOf('::/0', 'fd00:64::1', { isFallback: true }),
    ]);
    expect(learnsFromArpRequests).toBe(true);
    expect(overlay.isNeeded).toBe(false);
  });

  it('in another Vpc has the policy of all Subnets, too, and a route by which its own is asked', () => {
    const { policies, routes } = desiredRouter(vpcOf('tenant'), [front, underlay()], settings);
    expect(policies).toEqual([
      within('front', 'ip4.dst == 10.1.0.0/24'),
      within('under-lay', 'ip4.dst == 10.5.0.0/24'),
      toGateway(29_000, 'ip4.src == 10.5.0.0/24'),
    ]);
    expect(routes).toEqual([routeOf('0.0.0.0/0', '10.1.0.1', { isFallback: true })]);
  });

  it('alone in its Vpc has that route to the leg, once that has an address', () => {
    const routesOf = (subnet: ReturnType<typeof underlay>) =>
      desiredRouter(vpcOf('tenant'), [subnet], settings).routes;
    expect(routesOf(underlay())).toEqual([routeOf('0.0.0.0/0', '10.5.0.9', { isFallback: true })]);
    const young = subnetObject('under-lay', { vpc: 'tenant', ...spec });
    expect(routesOf(young)).toEqual([]);
  });

  it('with overlayOnlyRouting is reached from overlay Subnets only', () => {
    const { policies, overlay } = inDefault({ u2oFeatures: { overlayOnlyRouting: true } });
    const overlayIds = { ...ids, isU2OOverlayOnlyRoutePolicy: 'true' };
    const fromOverlay = 'ip4.src == $ovn.cluster.u2o_overlay_cidrs.ip4';
    const toNodes = 'ip4.dst == $under.lay.u2o_exclude_ip.ip4';
    expect(policies.slice(2)).toEqual([
      allowed(29_400, `${fromOverlay} && ip4.dst == 10.5.0.0/24`, overlayIds),
      toGateway(31_000, `${toNodes} && ip4.src == 10.5.0.0/24`, overlayIds),
      allowed(30_060, 'ip4.src == 10.5.0.0/24 && ip4.dst == 10.5.0.0/24', overlayIds),
      toGateway(30_050, 'ip4.src == 10.5.0.0/24'),
    ]);
    expect(overlay).toEqual({
      cidrs: [cidr('100.64.0.0/16'), cidr('fd00:64::/112')],
      isNeeded: true,
    });
  });

  describe('without load balancers', () => {
    const nodes = [
      { name: 'node-a', addresses: [address('100.64.0.2'), address('fd00:64::2')] },
      { name: 'b', addresses: [address('100.64.0.3')] },
    ];
    const serviceCidrs = [cidr('10.96.0.0/12'), cidr('fd00:96::/112')];
    const routerOf = (vpc: string, more: object = {}) => {
      const subnet = underlay({ vpc, enableLb: false, ...more });
      const around = { ...settings, serviceCidrs };
      return desiredRouter(vpcOf(vpc), [join, subnet], around, nodes).policies.filter(
        ({ ids: marks }) => marks?.isU2ONoLBRoutePolicy === 'true',
      );
    };
    const toService = (node: string, nexthop: string) => ({
      priority: 29_400,
      match: `ip4.src == $under.lay.${node.replace('-', '.')}_ip4 && ip4.dst == 10.96.0.0/12`,
      action: 'reroute',
      nexthops: [address(nexthop)],
      subnet: 'under-lay',
      ids: { ...ids, isU2ONoLBRoutePolicy: 'true', node, svcCidr: '10.96.0.0/12' },
    });

    it('has a group of ports for each node that a policy names', () => {
      const around = { ...settings, serviceCidrs };
      const subnet = underlay({ vpc: 'ovn-cluster', enableLb: false });
      const router = desiredRouter(vpcOf('ovn-cluster'), [join, subnet], around, nodes);
      expect(router.legs).toEqual([{ subnet: 'under-lay', nodes: ['node-a', 'b'] }]);
      expect(router.withoutLegs).toEqual(['join']);
    });

    it('in the default Vpc sends what is for Services to the node that the pod is on', () => {
      expect(routerOf('ovn-cluster')).toEqual([
        toService('node-a', '100.64.0.2'),
        toService('b', '100.64.0.3'),
      ]);
      expect(routerOf('ovn-cluster', { cidrBlock: 'fd00:5::/64' })).toEqual([
        expect.objectContaining({
          match: 'ip6.src == $under.lay.node.a_ip6 && ip6.dst == fd00:96::/112',
          nexthops: [address('fd00:64::2')],
        }),
      ]);
    });

    it('in another Vpc, or with them, sends it nowhere in particular', () => {
      expect(routerOf('tenant')).toEqual([]);
      expect(routerOf('ovn-cluster', { enableLb: true })).toEqual([]);
    });
  });

  it('of both families has policies for each', () => {
    const dual = inDefault({ cidrBlock: '10.5.0.0/24,fd00:5::/64' });
    expect(dual.policies.filter(({ priority }) => priority === 29_000)).toEqual([
      toGateway(29_000, 'ip4.src == 10.5.0.0/24'),
      { ...toGateway(29_000, 'ip6.src == fd00:5::/64'), nexthops: [address('fd00:5::1')] },
    ]);
  });

  it('with which something is wrong keeps the policies that it has, whatever they are', () => {
    const wrong = underlay({ vpc: 'ovn-cluster', gateway: '10.9.0.1' });
    const router = desiredRouter(vpcOf('ovn-cluster'), [join, wrong], settings);
    expect(router.unreadable).toEqual(new Set(['under-lay']));
    expect([router.legs, router.withoutLegs]).toEqual([[], ['join']]);
    expect(router.policies).toHaveLength(2);
    expect(router.learnsFromArpRequests).toBe(true);
  });
});
