import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDnsName, isOvnProvider } from '../../../../src/common/names.ts';
import { CniError } from '../../../../src/daemon/call/error.ts';
import { parseAddRequest, parseDelRequest } from '../../../../src/daemon/model/attachment.ts';
import { toWireRoute } from '../../../../src/daemon/model/route.ts';
import { CniCode } from '../../../../src/wire/cni.ts';
import type { CniRequest } from '../../../../src/wire/messages.ts';
import {
  attachmentOf,
  CONTAINER_ID,
  expectReadable,
  failureOf,
  HOSTILE_TEXTS,
  NETNS,
  requestOf,
} from '../support.ts';

describe('an ADD request', () => {
  it('of the primary NIC is taken as it is', () => {
    expect(parseAddRequest(requestOf())).toEqual(attachmentOf());
  });

  it('of an attached NIC has provider, network, interface, routes and UID', () => {
    const request = requestOf({
      if_name: 'net1',
      provider: 'attachnet.default.ovn',
      network: 'attachnet',
      pod_uid: '8a0f-1',
      routes: [{ dst: '192.168.0.101/24', gw: '10.16.0.9' }],
    });
    const { routes, ...attachment } = parseAddRequest(request);
    expect(attachment).toEqual({
      containerId: CONTAINER_ID,
      ifName: 'net1',
      pod: { namespace: 'shop', name: 'web-0', uid: '8a0f-1' },
      provider: 'attachnet.default.ovn',
      network: 'attachnet',
      ipamOnly: false,
      netns: NETNS,
    });
    expect(routes.map(toWireRoute)).toEqual([{ dst: '192.168.0.0/24', gw: '10.16.0.9' }]);
  });

  it('of another plugin asks for addresses only, whatever its provider', () => {
    for (const provider of ['macvlan.default', 'attachnet.default.ovn', 'ovn']) {
      const attachment = parseAddRequest(requestOf({ cni_type: 'macvlan', provider }));
      expect(attachment).toMatchObject({ ipamOnly: true, provider });
    }
  });

  it('without an interface name means eth0', () => {
    expect(parseAddRequest(requestOf({ if_name: '' })).ifName).toBe('eth0');
  });

  it('may say no routes in three ways', () => {
    const { routes: _, ...without } = requestOf();
    for (const request of [without, requestOf({ routes: null }), requestOf({ routes: [] })]) {
      expect(parseAddRequest(request).routes).toEqual([]);
    }
  });

  it.each([undefined, '', 'a b', '-net', 'a/b', '../../x', 'é', 'a'.repeat(254)])(
    'has no network of the name %j, and is not refused for it',
    (network) => {
      const request = network === undefined ? requestOf() : requestOf({ network });
      expect(parseAddRequest(request).network).toBe('');
      expect(parseDelRequest(request).network).toBe('');
    },
  );

  it.each(['net', '0', 'A.b_c-d', 'a'.repeat(253)])('may be of the network %s', (network) => {
    expect(parseAddRequest(requestOf({ network })).network).toBe(network);
  });

  it('has the bandwidth that the runtime asks for', () => {
    const bandwidth = { ingress_rate: 1000, ingress_burst: 2 ** 32 - 1, egress_rate: 0 };
    expect(parseAddRequest(requestOf({ bandwidth }))).toEqual(
      attachmentOf({ bandwidth: { ingressBps: 1000 } }),
    );
  });

  it.each([{}, { ingress_rate: 0, egress_burst: 1600 }])(
    'that asks for no bandwidth has none: %j',
    (bandwidth) => {
      expect(parseAddRequest(requestOf({ bandwidth }))).not.toHaveProperty('bandwidth');
    },
  );

  it('may have an empty UID', () => {
    expect(parseAddRequest(requestOf({ pod_uid: '' })).pod).not.toHaveProperty('uid');
  });
});

describe('the provider of a request', () => {
  it.each([
    ['attachnet.default.ovn.net1', 'net1', 'attachnet.default.ovn'],
    ['attachnet.default.ovn', 'net1', 'attachnet.default.ovn'],
    ['ovn', 'eth0', 'ovn'],
    // Not a suffix: the network itself is called so.
    ['attachnet.default.ovn', 'ovn', 'attachnet.default.ovn'],
  ])('%s on %s is %s', (provider, if_name, expected) => {
    expect(parseAddRequest(requestOf({ provider, if_name })).provider).toBe(expected);
  });

  it.each([
    'macvlan.default',
    'attachnet.default.ovn.net2',
    'attachnet',
    'attachnet.default.net',
    'attachnet.default.ovn.net1.net1',
    'ovnx',
  ])('is not %s for a NIC that we make', (provider) => {
    const error = failureOf(() => parseAddRequest(requestOf({ provider, if_name: 'net1' })));
    expect(error.code).toBe(CniCode.invalidConfig);
    expect(error.message).toBe(`provider is wrong: "${provider}"`);
  });

  it.each(['', 'Ovn', '.ovn', 'ovn.', 'a_b.c.ovn', '-a.b.ovn', `${'a'.repeat(250)}.b.ovn`])(
    'is never %j',
    (provider) => {
      const error = failureOf(() => parseAddRequest(requestOf({ provider, cni_type: 'macvlan' })));
      expect(error.code).toBe(CniCode.invalidConfig);
      expect(error.message).toMatch(/^provider is wrong: /);
    },
  );

  it.each([
    ['ovn', true],
    ['attachnet.default.ovn', true],
    ['a.b.c.ovn', false],
    ['b.ovn', false],
    ['macvlan.default', false],
    ['ovn.a.b', false],
    ['', false],
  ])('%s is an OVN one: %s', (provider, expected) => {
    expect(isOvnProvider(provider)).toBe(expected);
  });
});

/** Fields whose value must be plain, with the name that an error has to use. */
const CHECKED_FIELDS = [
  ['container_id', 'CNI_CONTAINERID', CniCode.invalidEnvironment],
  ['if_name', 'CNI_IFNAME', CniCode.invalidEnvironment],
  ['net_ns', 'CNI_NETNS', CniCode.invalidEnvironment],
  ['pod_namespace', 'K8S_POD_NAMESPACE', CniCode.invalidConfig],
  ['pod_name', 'K8S_POD_NAME', CniCode.invalidConfig],
  ['pod_uid', 'K8S_POD_UID', CniCode.invalidConfig],
  ['provider', 'provider', CniCode.invalidConfig],
] as const;
/** Hostile texts that are plain after all for one field. */
const PLAIN: Readonly<Record<string, readonly string[]>> = {
  container_id: ['constructor.prototype'],
  if_name: ['__proto__'],
  pod_namespace: ['constructor.prototype'],
  pod_name: ['constructor.prototype'],
  pod_uid: ['--', '--options', '-o'],
};

describe('a wrong field of a request', () => {
  it.each(CHECKED_FIELDS)('%s is refused as %s with code %i', (field, name, code) => {
    for (const text of HOSTILE_TEXTS) {
      if (PLAIN[field]?.includes(text)) continue;
      const error = failureOf(() => parseAddRequest(requestOf({ [field]: text })));
      expect({ text, code: error.code }).toEqual({ text, code });
      expect(error.message.startsWith(`${name} is wrong: `)).toBe(true);
      expect(error.details).toMatch(/^expected ./);
      expectReadable(error);
    }
  });

  it.each([
    ['container_id', 'CNI_CONTAINERID', 4],
    ['net_ns', 'CNI_NETNS', 4],
    ['pod_namespace', 'K8S_POD_NAMESPACE', 7],
    ['pod_name', 'K8S_POD_NAME', 7],
    ['provider', 'provider', 7],
  ])('%s may not be empty', (field, name, code) => {
    const error = failureOf(() => parseAddRequest(requestOf({ [field]: '' })));
    expect([error.code, error.message]).toEqual([code, `${name} is wrong: ""`]);
  });

  it('routes is named with its element', () => {
    const routes = [{ gw: '10.16.0.1' }, { dst: '10.1.0.0/16', gw: '010.1.1.1' }];
    const error = failureOf(() => parseAddRequest(requestOf({ routes })));
    expect([error.code, error.message]).toEqual([7, 'routes[1].gw is wrong: "010.1.1.1"']);
  });

  it.each(['deviceID', 'vhost_user_socket_volume_name'])(
    '%s asks for a NIC that we do not make: code 2',
    (field) => {
      const error = failureOf(() => parseAddRequest(requestOf({ [field]: '0000:03:00.1' })));
      expect(error.code).toBe(CniCode.unsupportedField);
      expect(error.message).toContain(field);
    },
  );

  it.each(['deviceID', 'vhost_user_socket_volume_name', 'vf_driver'])(
    '%s is none of our business where another plugin makes the interface',
    (field) => {
      const delegated = requestOf({ cni_type: 'macvlan', provider: 'macvlan.default' });
      const attachment = parseAddRequest({ ...delegated, [field]: '0000:03:00.1' });
      expect(attachment).toEqual(parseAddRequest(delegated));
    },
  );

  it.each([
    'run/netns/a',
    '/',
    '//run/netns/a',
    '/run//netns/a',
    '/run/netns/',
    '/run/../etc/passwd',
    '/run/netns/..',
    '/./a',
    '/run/netns/a b',
    '/run/netns/a\nb',
    '/run/netns/ä',
    `/${'a'.repeat(4096)}`,
  ])('net_ns is refused as %j', (net_ns) => {
    const error = failureOf(() => parseAddRequest(requestOf({ net_ns })));
    expect(error.code).toBe(CniCode.invalidEnvironment);
    expect(error.message).toMatch(/^CNI_NETNS is wrong: /);
  });

  it.each(['/run/netns/cni-5f1c', '/proc/4711/ns/net', '/var/run/netns/a..b', '/a/.b/c:d@e+f_g'])(
    'net_ns is not %s',
    (net_ns) => {
      expect(parseAddRequest(requestOf({ net_ns })).netns).toBe(net_ns);
    },
  );
});

describe('a DEL request', () => {
  it('of a sandbox whose namespace is gone has none', () => {
    const { netns: _, ...attachment } = attachmentOf();
    expect(parseDelRequest(requestOf({ net_ns: '' }))).toEqual(attachment);
  });

  it('keeps a namespace that is still there', () => {
    expect(parseDelRequest(requestOf())).toEqual(attachmentOf());
  });

  it('needs none of what only ADD uses', () => {
    const request = requestOf({
      deviceID: '0000:03:00.1',
      routes: [{ gw: 'nonsense' }],
      provider: 'macvlan.default',
      bandwidth: { ingress_rate: 1000 },
    });
    expect(parseDelRequest(request)).toMatchObject({ routes: [], ifName: 'eth0' });
    expect(parseDelRequest(request)).not.toHaveProperty('bandwidth');
  });

  it.each([
    ['container_id', 'CNI_CONTAINERID'],
    ['if_name', 'CNI_IFNAME'],
  ])('must identify the attachment: %s', (field, name) => {
    const error = failureOf(() => parseDelRequest(requestOf({ [field]: '../../x' })));
    expect(error.code).toBe(CniCode.invalidEnvironment);
    expect(error.message).toBe(`${name} is wrong: "../../x"`);
  });

  // Its ADD was refused, so that there is nothing to remove, and a DEL that fails is repeated
  // for as long as the pod exists.
  it.each(['', 'Not A Provider'])('is not refused for its provider %j', (provider) => {
    expect(parseDelRequest(requestOf({ provider }))).toMatchObject({
      containerId: CONTAINER_ID,
      ifName: 'eth0',
    });
  });
});

describe('any request', () => {
  it('ends in a CniError or in an attachment of plain words', async () => {
    const text = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...Object.values(requestOf()).filter(isText)) },
      { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    );
    const fields = [...CHECKED_FIELDS.map(([field]) => field), 'cni_type', 'network'] as const;
    const changes = fc.record(Object.fromEntries(fields.map((field) => [field, text])), {
      requiredKeys: [],
    }) as fc.Arbitrary<Partial<CniRequest>>;
    await fc.assert(
      fc.property(changes, (changed) => {
        try {
          const attachment = parseAddRequest(requestOf(changed));
          const { pod, network, routes: _, ipamOnly: __, ...others } = attachment;
          // One that the specification does not take is none, and the request is served.
          expect(network).toMatch(/^([\w.-]{1,253})?$/);
          for (const word of [...Object.values(others), ...Object.values(pod)]) {
            expect(word).toMatch(/^[\w./:@+=,~-]{1,4096}$/);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(CniError);
          expectReadable(error as CniError);
        }
      }),
    );
  });
});

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

describe('names of Kubernetes objects', () => {
  it.each(['a', '0', 'web-0', 'a.b', 'a--b', `${'a'.repeat(253)}`])('may be %s', (text) => {
    expect(isDnsName(text)).toBe(true);
  });

  it.each(['', 'A', 'a_b', '-a', 'a-', '.a', 'a.', 'a..b', 'a.-b', 'a/b', 'a'.repeat(254)])(
    'are not %s',
    (text) => {
      expect(isDnsName(text)).toBe(false);
    },
  );

  it('are none of the hostile texts, but for one that is plain', () => {
    expect(HOSTILE_TEXTS.filter(isDnsName)).toEqual(['constructor.prototype']);
  });
});
