import { describe, expect, it } from 'vitest';
import { StructuralSchema } from '../../lab/kubernetes/schemas.ts';
import { schemaAt, schemaOf } from '../crds/support.ts';
import { Client, SUBNETS } from './support.ts';

const POOLS = '/apis/kubeovn.io/v1/ippools';
/** What definitions have for the elements of allowSubnets. */
const pattern = schemaAt(schemaOf('Subnet'), 'spec.allowSubnets')?.items?.pattern;
const named = (spec?: object) => ({ metadata: { name: 'a' }, spec });

describe('an object of a kind with a schema', () => {
  it('loses what is not in the schema, and that changes nothing', async () => {
    await using client = await Client.start();
    const { code, body } = await client.send('POST', SUBNETS, {
      ...named({ cidrBlock: '10.9.0.0/16', newField: 1, acls: [{ match: 'ip', nonsense: true }] }),
      extra: {},
    });
    expect(code).toBe(201);
    expect(body.spec).toEqual({ cidrBlock: '10.9.0.0/16', acls: [{ match: 'ip' }] });
    expect(body).not.toHaveProperty('extra');
    const patched = await client.patch(`${SUBNETS}/a`, { spec: { newField: 2 } });
    expect(patched.body).toEqual(body);
    const status = { v4usingIPs: 1, secret: 'x' };
    expect((await client.patch(`${SUBNETS}/a/status`, { status })).body.status).toEqual({
      v4usingIPs: 1,
    });
  });

  it('gets its defaults where the object around them is there, also for null', async () => {
    await using client = await Client.start();
    const spec = { subnet: 'red', ips: [], enableAddressSet: null };
    const { body } = await client.send('POST', POOLS, named(spec));
    expect(body.spec).toEqual({ subnet: 'red', ips: [], enableAddressSet: false });
    expect((await client.send('POST', POOLS, { metadata: { name: 'b' } })).body.spec).toBe(
      undefined,
    );
  });

  it('loses nulls where the schema does not allow them', async () => {
    await using client = await Client.start();
    const { body } = await client.send('POST', SUBNETS, named({ vpc: null, vlan: 'v' }));
    expect(body.spec).toEqual({ vlan: 'v' });
  });

  it.each([
    [
      { mtu: '1400' },
      'spec.mtu: Invalid value: "string": spec.mtu in body must be of type integer: "string"',
    ],
    [
      { mtu: 70_000 },
      'spec.mtu: Invalid value: 70000: spec.mtu in body should be less than or equal to 65535',
    ],
    [
      { mtu: 60 },
      '[spec.mtu: Invalid value: "": "spec.mtu" must validate at least one schema (anyOf), spec.mtu: Invalid value: 60: spec.mtu in body should be less than or equal to 0]',
    ],
    [
      { protocol: 'ipv4' },
      'spec.protocol: Unsupported value: "ipv4": supported values: "", "IPv4", "IPv6", "Dual", "Mac"',
    ],
    [{ vpc: 'x'.repeat(254) }, 'spec.vpc: Too long: may not be more than 253 bytes'],
    [
      { allowSubnets: ['10.0.0.0/8', '!'] },
      `spec.allowSubnets[1]: Invalid value: "!": spec.allowSubnets[1] in body should match '${pattern}'`,
    ],
    [
      { namespaces: [null] },
      'spec.namespaces[0]: Invalid value: "null": spec.namespaces[0] in body must be of type string: "null"',
    ],
    [
      { namespaceSelectors: [{ matchExpressions: [{ key: 'a' }] }] },
      'spec.namespaceSelectors[0].matchExpressions[0].operator: Required value',
    ],
    [
      { policyRoutingTableID: 3_000_000_000 },
      'spec.policyRoutingTableID: Invalid value: 3000000000: Checked value must be of type integer with format int32',
    ],
  ])('is refused with %j, in the words of Kubernetes', async (spec, why) => {
    await using client = await Client.start();
    const message = `Subnet.kubeovn.io "a" is invalid: ${why}`;
    const { code, body } = await client.send('POST', SUBNETS, named(spec));
    expect(code).toBe(422);
    expect(body).toMatchObject({ reason: 'Invalid', message });
    expect(() => client.server.create({ kind: 'Subnet', ...named(spec) })).toThrow(message);
    client.server.create({ kind: 'Subnet', ...named({ vlan: 'v' }) });
    expect((await client.patch(`${SUBNETS}/a`, { spec })).body.message).toBe(message);
    expect(client.server.get('Subnet', 'a').spec).toEqual({ vlan: 'v' });
  });

  it('is refused with all that is wrong, field by field', async () => {
    await using client = await Client.start();
    const { body } = await client.send('POST', POOLS, named({ enableAddressSet: 'yes' }));
    const { causes } = body.details as { causes: { field: string; reason: string }[] };
    expect(causes.map(({ field, reason }) => `${field} ${reason}`)).toEqual([
      'spec.ips FieldValueRequired',
      'spec.subnet FieldValueRequired',
      'spec.enableAddressSet FieldValueTypeInvalid',
    ]);
  });

  it('is checked in its status too', async () => {
    await using client = await Client.start();
    client.server.create({ kind: 'Subnet', ...named() });
    const condition = { type: 'Ready', status: 'Yes', lastUpdateTime: 'today' };
    const status = { conditions: [condition] };
    const { code, body } = await client.patch(`${SUBNETS}/a/status`, { status });
    expect(code).toBe(422);
    expect(body.message).toContain('status.conditions[0].status: Unsupported value: "Yes"');
    expect(body.message).toContain('must be of type date-time');
  });
});

describe('an object that is older than its schema', () => {
  it('can be changed where it is right, and what is wrong with it can stay', async () => {
    await using client = await Client.start();
    const spec = { vlan: 'v', gatewayType: 'scattered' };
    client.server.createUnchecked({ kind: 'Subnet', ...named(spec) });
    const path = `${SUBNETS}/a`;
    expect((await client.patch(`${path}/status`, { status: { v4usingIPs: 1 } })).code).toBe(200);
    expect((await client.patch(path, { spec: { private: true } })).code).toBe(200);
    expect((await client.patch(path, { spec: { gatewayType: 'other' } })).code).toBe(422);
    expect((await client.patch(path, { spec: { protocol: 'IPX' } })).code).toBe(422);
    expect((await client.patch(path, { spec: { gatewayType: null } })).code).toBe(200);
  });
});

describe('a schema', () => {
  it('can let unknown fields, numbers as texts and nulls be', () => {
    const schema = new StructuralSchema({
      type: 'object',
      properties: {
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        port: { 'x-kubernetes-int-or-string': true },
        gone: { type: 'string', nullable: true },
      },
    });
    const value = { free: { a: { b: 1 } }, port: '80', gone: null };
    expect(schema.admitted(value)).toEqual(value);
    expect(schema.errors(value, '')).toEqual([]);
    expect(schema.errors({ port: 80 }, '')).toEqual([]);
    expect(schema.errors({ port: 1.5 }, '')).toHaveLength(1);
  });

  it.each([{ uniqueItems: true }, { type: 'string', format: 'ipv4' }])(
    'with %j is refused, since nobody would apply it',
    (schema) => {
      expect(() => new StructuralSchema(schema)).toThrow('does not know');
    },
  );
});
