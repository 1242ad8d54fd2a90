import { describe, expect, it } from 'vitest';
import { kubeOvnFields } from './kube-ovn-fields.ts';
import {
  type Definition,
  definitions,
  placesOf,
  type Schema,
  schemaAt,
  schemaOf,
} from './support.ts';

const kinds = [...definitions.keys()];
const all = [...definitions.values()].map((definition): [string, Definition] => [
  definition.spec.names.kind,
  definition,
]);

/** What Kubernetes allows for a value without a type (apiextensions.k8s.io, "structural schemas"). */
const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** What has no place in a structural schema at all, or not here. */
const FORBIDDEN = ['$ref', 'definitions', 'dependencies', 'patternProperties', 'uniqueItems', 'id'];
const KNOWN = [
  ...['type', 'format', 'description', 'default', 'enum', 'properties', 'additionalProperties'],
  ...['items', 'required', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'],
  'anyOf',
  ...['x-kubernetes-validations', 'x-kubernetes-map-type', 'x-kubernetes-list-type'],
];

const NAMES: readonly (readonly [kind: string, plural: string, singular: string, short: string])[] =
  [
    ['IP', 'ips', 'ip', 'ip'],
    ['IPPool', 'ippools', 'ippool', 'ippool'],
    ['ProviderNetwork', 'provider-networks', 'provider-network', 'pn'],
    ['SecurityGroup', 'security-groups', 'security-group', 'sg'],
    ['Subnet', 'subnets', 'subnet', 'subnet'],
    ['Vlan', 'vlans', 'vlan', 'vlan'],
    ['Vpc', 'vpcs', 'vpc', 'vpc'],
  ];

describe('the definitions', () => {
  it('are of the kinds that the controller works with', () => {
    expect(kinds.toSorted()).toEqual(NAMES.map(([kind]) => kind));
  });

  it.each(NAMES)('name %s as Kube-OVN does', (kind, plural, singular, short) => {
    const definition = definitions.get(kind);
    expect(definition).toMatchObject({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.kubeovn.io` },
      spec: {
        group: 'kubeovn.io',
        scope: 'Cluster',
        names: { kind, plural, singular, listKind: `${kind}List`, shortNames: [short] },
        versions: [{ name: 'v1', served: true, storage: true }],
      },
    });
    expect(definition?.spec.versions).toHaveLength(1);
  });

  it.each(all)('of %s have a status of their own, except for IPs', (kind, { spec }) => {
    const { subresources, schema } = spec.versions[0];
    const has = schema.openAPIV3Schema.properties?.status !== undefined;
    expect(has).toBe(kind !== 'IP');
    expect(subresources?.status !== undefined).toBe(has);
  });
});

describe.each(all)('the schema of %s', (kind, definition) => {
  const schema = definition.spec.versions[0].schema.openAPIV3Schema;
  const places = [...placesOf(schema)];

  it('is structural: everything has a type', () => {
    for (const { path, schema } of places) {
      expect([path, TYPES.includes(String(schema.type))]).toEqual([path, true]);
      expect([path, schema.items !== undefined]).toEqual([path, schema.type === 'array']);
      if (schema.properties || schema.additionalProperties) expect(schema.type).toBe('object');
      expect(schema.properties && schema.additionalProperties).toBeUndefined();
    }
  });

  it('has nothing that Kubernetes does not take', () => {
    for (const { path, schema } of places) {
      const keywords = Object.keys(schema);
      expect([path, keywords.filter((word) => FORBIDDEN.includes(word))]).toEqual([path, []]);
      expect([path, keywords.filter((word) => !KNOWN.includes(word))]).toEqual([path, []]);
    }
  });

  it('leaves metadata to Kubernetes', () => {
    expect(schema.properties?.metadata).toEqual({ type: 'object' });
    expect(schema.properties?.apiVersion).toEqual({ type: 'string' });
    expect(schema.properties?.kind).toEqual({ type: 'string' });
  });

  it('says of each field what it is', () => {
    const fields = places.filter(({ path }) => /^(spec|status)\b.*\w$/.test(path));
    expect(fields.length).toBeGreaterThan(5);
    for (const { path, schema } of fields) {
      expect([path, String(schema.description ?? '').endsWith('.')]).toEqual([path, true]);
    }
  });

  it('has defaults of the right type, and only within spec', () => {
    for (const { path, schema } of places) {
      if (schema.default === undefined) continue;
      expect(path).toMatch(/^spec\./);
      expect(typeof schema.default).toBe(schema.type);
    }
  });

  it('requires only what it has', () => {
    for (const { schema } of places) {
      for (const name of schema.required ?? []) expect(schema.properties).toHaveProperty(name);
    }
  });

  it('has alternatives only for values, which is all that Kubernetes takes there', () => {
    for (const { schema } of places) {
      for (const alternative of (schema.anyOf ?? []) as object[]) {
        expect(['minimum', 'maximum']).toEqual(expect.arrayContaining(Object.keys(alternative)));
      }
    }
  });

  it('has patterns and limits that can be met', () => {
    for (const { schema } of places) {
      if (schema.pattern !== undefined) expect(schema.type).toBe('string');
      expect(() => new RegExp(String(schema.pattern ?? ''))).not.toThrow();
      expect(Number(schema.minimum ?? 0)).toBeLessThanOrEqual(Number(schema.maximum ?? Infinity));
    }
  });

  it('has rules about fields that there are, each with a message', () => {
    for (const { schema } of places) {
      for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
        expect(message).toBeTruthy();
        for (const path of fieldsOf(rule))
          expect([path, hasField(schema, path)]).toEqual([path, true]);
      }
    }
  });

  it('has rules only where there are few values: Kubernetes limits their cost', () => {
    for (const { path, schema } of places) {
      if (schema['x-kubernetes-validations']) expect(path).not.toMatch(/[[{]/);
    }
  });

  it('has every field of Kube-OVN’s, with its type', () => {
    const fields = new Set(
      places.map(
        ({ path, schema }) => `${path}: ${[schema.type, schema.format].filter(Boolean).join('/')}`,
      ),
    );
    const theirs = Object.entries(kubeOvnFields[kind] ?? {}).flatMap(([place, types]) =>
      Object.entries(types).flatMap(([type, names]) =>
        names.split(' ').map((name) => `${place}.${name}: ${type}`),
      ),
    );
    expect(theirs.length).toBeGreaterThan(5);
    expect(theirs.filter((field) => !fields.has(field))).toEqual([]);
  });

  it('has columns about fields that there are', () => {
    for (const { jsonPath, type } of definition.spec.versions[0].additionalPrinterColumns ?? []) {
      if (jsonPath.startsWith('.metadata.')) continue;
      const place = jsonPath.slice(1).replace(/\[\?\(@\.type=="\w+"\)\]/, '[]');
      const shown = schemaAt(schema, place);
      expect([jsonPath, shown !== undefined]).toEqual([jsonPath, true]);
      if (type === 'boolean' || type === 'number') expect(shown?.type).toBe(type);
    }
  });
});

/** The fields that a rule in CEL reads: `self.a.b`; a method at the end is none. */
function fieldsOf(rule: string): readonly string[] {
  const fields = rule.replaceAll(/\.\w+\(/g, '(');
  return [...fields.matchAll(/self\.([A-Za-z0-9.]+)/g)].map(([, path]) => path ?? '');
}

/** Of metadata a rule may read the name. */
function hasField(schema: Schema, path: string): boolean {
  return path === 'metadata.name' || schemaAt(schema, path) !== undefined;
}

describe('the columns', () => {
  it.each([
    ['IP', 'V4IP V6IP Mac Node Subnet'],
    ['IPPool', 'Subnet enableAddressSet IPs V4Used V4Available V6Used V6Available Ready'],
    ['ProviderNetwork', 'DefaultInterface Ready'],
    ['SecurityGroup', ''],
    [
      'Subnet',
      'Provider Vpc Vlan Protocol CIDR Private NAT Default GatewayType V4Used V4Available V6Used V6Available ExcludeIPs U2OInterconnectionIP Ready',
    ],
    ['Vlan', 'ID Provider conflict'],
    [
      'Vpc',
      'EnableExternal EnableBfd Standby Subnets ExtraExternalSubnets Namespaces DefaultSubnet Age',
    ],
  ])('of %s are those that people know', (kind, names) => {
    const columns = definitions.get(kind)?.spec.versions[0].additionalPrinterColumns ?? [];
    expect(columns.map(({ name }) => name).join(' ')).toBe(names);
  });
});

describe('what never changes', () => {
  it('is the Subnet of an IPPool', () => {
    const subnet = schemaAt(schemaOf('IPPool'), 'spec.subnet');
    expect(subnet?.['x-kubernetes-validations']).toMatchObject([{ rule: 'self == oldSelf' }]);
  });
});

describe('the columns of what may not be ready', () => {
  it.each(['Subnet', 'IPPool'])('show whether a %s is', (kind) => {
    const columns = definitions.get(kind)?.spec.versions[0].additionalPrinterColumns;
    expect(columns?.at(-1)).toEqual({
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
    });
  });
});

describe('the MTU of a Subnet', () => {
  const { minimum, maximum, anyOf } = schemaAt(schemaOf('Subnet'), 'spec.mtu') ?? {};
  const isTaken = (mtu: number) =>
    isWithin(mtu, { minimum, maximum }) &&
    (anyOf as readonly Limits[]).some((limits) => isWithin(mtu, limits));

  it.each([0, 68, 1280, 1500, 65_535])('can be %d', (mtu) => {
    expect(isTaken(mtu)).toBe(true);
  });

  it.each([-1, 1, 60, 67, 65_536])('cannot be %d: no interface can have it', (mtu) => {
    expect(isTaken(mtu)).toBe(false);
  });
});

interface Limits {
  readonly minimum?: unknown;
  readonly maximum?: unknown;
}

function isWithin(value: number, { minimum, maximum }: Limits): boolean {
  return value >= Number(minimum ?? -Infinity) && value <= Number(maximum ?? Infinity);
}
