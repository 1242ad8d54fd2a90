import Fastify from 'fastify';
import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import {
  ADD_PATH,
  CheckRequestSchema,
  CniRequestSchema,
  CniResponseSchema,
  DEL_PATH,
  GcRequestSchema,
  StatusRequestSchema,
} from '../../../src/wire/messages.ts';
import { requestOf } from '../daemon/support.ts';

const accepts = (schema: typeof CniRequestSchema | typeof CniResponseSchema, body: unknown) =>
  Schema.Check(schema, body);

describe('the socket API', () => {
  it("has Kube-OVN's paths", () => {
    expect([ADD_PATH, DEL_PATH]).toEqual(['/api/v1/add', '/api/v1/del']);
  });
});

describe('the schema of a body', () => {
  // The daemon leaves that out: it would take a third of its start.
  it.each([
    ['ADD and DEL', CniRequestSchema],
    ['CHECK', CheckRequestSchema],
    ['GC', GcRequestSchema],
    ['STATUS', StatusRequestSchema],
  ])('of %s is one by JSON Schema itself, which refuses others', async (_, body) => {
    const app = (schema: object) => Fastify().post('/', { schema: { body: schema } }, () => '');
    await app(body).ready();
    await expect(app({ ...body, required: 'all' }).ready()).rejects.toThrow(/schema is invalid/);
  });
});

describe('a request', () => {
  it("of Kube-OVN's executable is taken, routes null and all", () => {
    expect(accepts(CniRequestSchema, requestOf())).toBe(true);
  });

  it('may have routes with or without dst and gw, and a whole DNS object', () => {
    const request = requestOf({
      routes: [{ dst: '10.0.0.0/8', gw: '10.16.0.1' }, { gw: '10.16.0.1' }, { dst: '10.1.0.0/16' }],
      dns: { nameservers: ['10.96.0.10'], domain: 'd', search: null, options: [] },
    });
    expect(accepts(CniRequestSchema, request)).toBe(true);
  });

  it('may leave out every field that only some networks need', () => {
    const { cni_type, pod_name, pod_namespace, container_id, net_ns, if_name, provider } =
      requestOf();
    const request = { cni_type, pod_name, pod_namespace, container_id, net_ns, if_name, provider };
    expect(accepts(CniRequestSchema, request)).toBe(true);
  });

  it.each([
    {},
    { ingress_rate: 0 },
    { ingress_rate: 1, ingress_burst: 2, egress_rate: Number.MAX_SAFE_INTEGER, egress_burst: 3 },
  ])('may have the bandwidth %j', (bandwidth) => {
    expect(accepts(CniRequestSchema, { ...requestOf(), bandwidth })).toBe(true);
  });

  it.each(['ingress_rate', 'ingress_burst', 'egress_rate', 'egress_burst'])(
    'has whole numbers for %s, or none',
    (field) => {
      for (const wrong of [null, '1', '', -1, 0.5, 2 ** 53, 1e300, true, [1], {}]) {
        const bandwidth = { [field]: wrong };
        expect(accepts(CniRequestSchema, { ...requestOf(), bandwidth })).toBe(false);
      }
    },
  );

  it('may have fields that we do not know: a newer executable calls', () => {
    expect(accepts(CniRequestSchema, { ...requestOf(), from_the_future: { a: 1 } })).toBe(true);
  });

  it.each([
    'cni_type',
    'pod_name',
    'pod_namespace',
    'container_id',
    'net_ns',
    'if_name',
    'provider',
  ])('must have the text %s', (field) => {
    const { [field as 'provider']: _, ...without } = requestOf();
    expect(accepts(CniRequestSchema, without)).toBe(false);
    for (const wrong of [null, 1, [], {}, true]) {
      expect(accepts(CniRequestSchema, { ...requestOf(), [field]: wrong })).toBe(false);
    }
  });

  it.each([[[1]], [[null]], [[{ dst: 1 }]], [[{ gw: null }]], [{}], ['10.0.0.0/8']])(
    'is refused with routes %j',
    (routes) => {
      expect(accepts(CniRequestSchema, { ...requestOf(), routes })).toBe(false);
    },
  );
});

describe('a response', () => {
  const response = {
    ips: [{ protocol: 'IPv4', ip: '10.16.0.5', cidr: '10.16.0.0/16', gateway: '10.16.0.1' }],
    mac_address: '00:00:00:ab:cd:ef',
    routes: [{ dst: '0.0.0.0/0', gw: '10.16.0.1' }],
    mtu: 1400,
    nicname: 'eth0',
    dns: {},
    error: '',
  };

  it('of either daemon has one shape', () => {
    expect(accepts(CniResponseSchema, response)).toBe(true);
    expect(accepts(CniResponseSchema, { ...response, ips: null, routes: null, error: 'x' })).toBe(
      true,
    );
    const cni_error = { code: 11, msg: 'm', details: '' };
    expect(accepts(CniResponseSchema, { ...response, cni_error })).toBe(true);
  });

  it('may say the gateways of the Subnets, and the end of the veth pair on the node', () => {
    const host_interface = { name: 'c0ffee_h', mac: '' };
    const subnet_gateways = ['10.16.0.1', 'fd00::1'];
    const newer = { ...response, host_interface, subnet_gateways };
    expect(accepts(CniResponseSchema, newer)).toBe(true);
    expect(accepts(CniResponseSchema, { ...newer, subnet_gateways: [1] })).toBe(false);
  });

  it('names the protocol of an address as IPv4 or IPv6', () => {
    const ips = [{ protocol: 'ipv4', ip: '10.16.0.5', cidr: '10.16.0.0/16' }];
    expect(accepts(CniResponseSchema, { ...response, ips })).toBe(false);
  });
});
