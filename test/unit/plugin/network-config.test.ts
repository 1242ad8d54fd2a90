import { describe, expect, it } from 'vitest';
import {
  CNI_VERSIONS,
  checkConfig,
  decodeConfig,
  refuseOlder,
} from '../../../src/plugin/network-config.ts';
import { failureOf } from './attempt.ts';

const OWN = { type: 'kube-ovn', server_socket: '/run/daemon.sock' };
const IPAM = { type: 'kube-ovn', server_socket: '/run/daemon.sock' };

function check(config: object, command: 'ADD' | 'DEL' = 'ADD') {
  return checkConfig(decodeConfig(JSON.stringify(config)).top, command, 'eth0');
}

describe('decoding stdin', () => {
  it.each(['', '{', 'null', '[]', '"text"', '1', '{"a":1}}'])(
    'refuses %j with error 6',
    (stdin) => {
      expect(failureOf(() => decodeConfig(stdin))).toMatchObject({
        code: 6,
        msg: 'cannot decode the network configuration',
      });
    },
  );

  it.each(CNI_VERSIONS)('accepts version %s', (cniVersion) => {
    expect(decodeConfig(JSON.stringify({ cniVersion })).cniVersion).toBe(cniVersion);
  });

  it.each([{}, { cniVersion: '' }, { cniVersion: null }])('takes %j for 0.1.0', (config) => {
    expect(decodeConfig(JSON.stringify(config)).cniVersion).toBe('0.1.0');
  });

  it.each(['0.5.0', '1.2.0', '1.1', 'latest', '__proto__'])(
    'refuses version %s with error 1, which says the versions there are',
    (cniVersion) => {
      const { code, details } = failureOf(() => decodeConfig(JSON.stringify({ cniVersion })));
      expect(code).toBe(1);
      expect(details).toContain(`"${cniVersion}"`);
      expect(details).toContain(CNI_VERSIONS.join(', '));
    },
  );

  it('refuses a version that is not text with error 7', () => {
    expect(failureOf(() => decodeConfig('{"cniVersion":1}'))).toMatchObject({
      code: 7,
      details: 'cniVersion: expected a string, found 1',
    });
  });
});

describe('a verb that older versions do not have', () => {
  it.each([
    ['CHECK', '0.4.0', '0.3.1'],
    ['GC', '1.1.0', '1.0.0'],
    ['STATUS', '1.1.0', '0.1.0'],
  ] as const)('%s, of version %s, is error 1 in version %s', (command, since, older) => {
    const { code, details } = failureOf(() => refuseOlder(older, command, since));
    expect(code).toBe(1);
    expect(details).toContain(`${command} exists from version ${since} on, found "${older}"`);
  });

  it('is fine in its first version and in every newer one', () => {
    const newer = CNI_VERSIONS.slice(CNI_VERSIONS.indexOf('0.4.0'));
    for (const version of newer) {
      expect(() => refuseOlder(version, 'CHECK', '0.4.0')).not.toThrow();
    }
    expect(newer).toEqual(['0.4.0', '1.0.0', '1.1.0']);
  });
});

describe('a configuration of type kube-ovn', () => {
  it('gives the request every field, empty where it says nothing', () => {
    expect(check(OWN)).toEqual({
      isDelegate: false,
      serverSocket: '/run/daemon.sock',
      request: {
        cni_type: 'kube-ovn',
        network: '',
        provider: 'ovn',
        routes: [],
        dns: {},
        vf_driver: '',
        deviceID: '',
        vhost_user_socket_volume_name: '',
        vhost_user_socket_name: '',
        vhost_user_socket_consumption: '',
      },
    });
  });

  it('passes on what it says at the top level, and nothing of ipam', () => {
    const said = {
      provider: 'net.ns.ovn',
      vf_driver: 'vfio-pci',
      deviceID: '0000:03:00.1',
      vhost_user_socket_volume_name: 'vol',
      vhost_user_socket_name: 'sock',
      vhost_user_socket_consumption: 'kubevirt',
    };
    const config = {
      ...OWN,
      ...said,
      name: 'attachnet',
      routes: [{ dst: '10.0.0.0/8', gw: '10.1.0.1' }, { gw: 'fd00::1' }],
      dns: { nameservers: ['10.96.0.10'], domain: '', search: [], options: null },
      ipam: { type: 'kube-ovn', provider: 'other', server_socket: '/other' },
      runtimeConfig: { deviceID: 'ignored' },
      prevResult: {},
    };
    expect(check(config)).toEqual({
      isDelegate: false,
      serverSocket: '/run/daemon.sock',
      request: {
        cni_type: 'kube-ovn',
        network: 'attachnet',
        ...said,
        routes: [
          { dst: '10.0.0.0/8', gw: '10.1.0.1' },
          { dst: '', gw: 'fd00::1' },
        ],
        dns: { nameservers: ['10.96.0.10'] },
      },
    });
  });

  it('may say null for what it does not say', () => {
    const nothing = { provider: null, routes: null, dns: null, deviceID: null, ipam: null };
    expect(check({ ...OWN, ...nothing })).toEqual(check(OWN));
  });
});

describe('a configuration of another type with our IPAM', () => {
  it('has socket, provider and routes in ipam, and the rest at the top level', () => {
    const config = {
      type: 'macvlan',
      name: 'macnet',
      server_socket: '/wrong',
      provider: 'wrong',
      routes: 'wrong',
      dns: { domain: 'example.org' },
      ipam: { ...IPAM, provider: 'macvlan.default', routes: [{ dst: '0.0.0.0/0' }] },
    };
    expect(check(config)).toMatchObject({
      isDelegate: true,
      serverSocket: '/run/daemon.sock',
      request: {
        cni_type: 'macvlan',
        network: 'macnet',
        provider: 'macvlan.default',
        routes: [{ dst: '0.0.0.0/0', gw: '' }],
        dns: { domain: 'example.org' },
      },
    });
  });

  it.each([
    { deviceID: '0000:03:00.1', pciBusID: '0000:03:00.1', vf_driver: 'vfio-pci' },
    { vhost_user_socket_volume_name: 'volume', vhost_user_socket_name: 'socket' },
    { deviceID: 5, vf_driver: [], vhost_user_socket_consumption: {}, accept_ra: 'yes' },
  ])('may say of its interface what it likes: none of it is ours, %j', (fields) => {
    const plain = { type: 'macvlan', ipam: IPAM };
    expect(check({ ...plain, ...fields })).toEqual(check(plain));
  });

  it('has the provider ovn where it names none', () => {
    expect(check({ type: 'macvlan', ipam: IPAM }).request.provider).toBe('ovn');
  });

  it.each([
    [OWN, 'provider: expected'],
    [{ type: 'macvlan', ipam: IPAM }, 'ipam.provider: expected'],
  ])('must name its provider on another interface than eth0', (config, details) => {
    const { top } = decodeConfig(JSON.stringify(config));
    const failure = failureOf(() => checkConfig(top, 'ADD', 'net1'));
    expect(failure.code).toBe(7);
    expect(failure.details).toContain(details);
    expect(failureOf(() => checkConfig(top, 'CHECK', 'net1'))).toEqual(failure);
    expect(checkConfig(top, 'DEL', 'net1').request.provider).toBe('ovn');
    expect(checkConfig(top, 'GC', '').request.provider).toBe('ovn');
    expect(checkConfig(top, 'STATUS', '').request.provider).toBe('ovn');
  });
});

describe('a wrong configuration', () => {
  const LONG = `/${'s'.repeat(107)}`;
  it.each([
    [{ server_socket: '/s' }, 'type: expected the name of a plugin, found nothing'],
    [{ ...OWN, name: 1 }, 'name: expected a string, found 1'],
    [{ ...OWN, type: 1 }, 'type: expected a string, found 1'],
    [{ type: 'bridge' }, 'ipam.type: expected "kube-ovn", as "type" is "bridge", found nothing'],
    [{ type: 'bridge', ipam: { type: 'host-local' } }, 'found "host-local"'],
    [{ type: 'bridge', ipam: [] }, 'ipam: expected an object, found []'],
    [{ type: 'kube-ovn' }, 'server_socket: expected the absolute path'],
    [{ ...OWN, server_socket: 'daemon.sock' }, 'found "daemon.sock"'],
    [{ ...OWN, server_socket: '/a\0b' }, 'server_socket: expected the absolute path'],
    [{ ...OWN, server_socket: LONG }, 'at most 107 bytes, found'],
    [{ ...OWN, server_socket: {} }, 'server_socket: expected a string, found {}'],
    [{ type: 'bridge', ipam: { type: 'kube-ovn' } }, 'ipam.server_socket: expected the absolute'],
    [{ ...OWN, provider: ['ovn'] }, 'provider: expected a string, found ["ovn"]'],
    [{ type: 'x', ipam: { ...IPAM, provider: 1 } }, 'ipam.provider: expected a string, found 1'],
    [{ ...OWN, routes: {} }, 'routes: expected an array of {dst?, gw?}, found {}'],
    [{ ...OWN, routes: '' }, 'routes: expected an array of {dst?, gw?}, found ""'],
    [{ ...OWN, routes: ['0.0.0.0/0'] }, 'routes[0]: expected an object, found "0.0.0.0/0"'],
    [{ ...OWN, routes: [{}, { gw: 1 }] }, 'routes[1].gw: expected a string, found 1'],
    [{ type: 'x', ipam: { ...IPAM, routes: [{ dst: 1 }] } }, 'ipam.routes[0].dst: expected a str'],
    [{ ...OWN, dns: [] }, 'dns: expected an object, found []'],
    [{ ...OWN, dns: { search: 'a' } }, 'dns.search: expected an array of strings, found "a"'],
    [{ ...OWN, dns: { nameservers: [1] } }, 'dns.nameservers: expected an array of strings'],
    [{ ...OWN, deviceID: 1 }, 'deviceID: expected a string, found 1'],
  ])('%j is error 7: %s', (config, details) => {
    const failure = failureOf(() => check(config));
    expect(failure).toMatchObject({ code: 7, msg: 'invalid network configuration' });
    expect(failure.details).toContain(details);
  });

  it('does not keep a pod from going where only ADD would use it', () => {
    const config = { ...OWN, routes: 'wrong', dns: 'wrong' };
    expect(check(config, 'DEL').request).toMatchObject({ routes: [], dns: {} });
  });

  it('shows a long value only in part', () => {
    const { details } = failureOf(() => check({ ...OWN, provider: ['x'.repeat(10_000)] }));
    expect(details.length).toBeLessThan(200);
  });
});

describe('keys that are no fields', () => {
  it('change nothing: __proto__ gives no field a value', () => {
    const text = '{"__proto__":{"type":"kube-ovn","server_socket":"/evil"},"constructor":1}';
    expect(failureOf(() => checkConfig(decodeConfig(text).top, 'ADD', 'eth0')).details).toContain(
      'type',
    );
    expect(({} as Record<string, unknown>).server_socket).toBeUndefined();
  });

  it('of a key that occurs twice the last one counts', () => {
    const text = '{"type":"x","type":"kube-ovn","server_socket":"x","server_socket":"/s"}';
    expect(checkConfig(decodeConfig(text).top, 'ADD', 'eth0').serverSocket).toBe('/s');
  });
});
