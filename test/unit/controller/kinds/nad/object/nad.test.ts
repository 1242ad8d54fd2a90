import { describe, expect, it } from 'vitest';
import { projectNad } from '../../../../../../src/controller/kinds/nad/object/nad.ts';

const configOf = (config: unknown) =>
  projectNad({ metadata: { namespace: 'default', name: 'net' }, spec: { config } }).config;
const json = (config: unknown) => configOf(JSON.stringify(config));

describe('a NetworkAttachmentDefinition', () => {
  it('of type kube-ovn is ours', () => {
    const provider = 'attachnet.default.ovn';
    const server_socket = '/run/openvswitch/kube-ovn-daemon.sock';
    expect(json({ cniVersion: '0.3.0', type: 'kube-ovn', server_socket, provider })).toEqual({
      kind: 'ovn',
      provider,
    });
  });

  it('of another type has its addresses from us where its ipam says so', () => {
    const ipam = { type: 'kube-ovn', provider: 'macvlan.default' };
    expect(json({ type: 'macvlan', master: 'eth0', ipam })).toEqual({
      kind: 'ipam',
      provider: 'macvlan.default',
    });
    expect(json({ type: 'macvlan', ipam: { type: 'host-local' } })).toEqual({ kind: 'other' });
    expect(json({ type: 'macvlan' })).toEqual({ kind: 'other' });
  });

  it('may be a list of plugins, any of which may be the one', () => {
    const tuning = { type: 'tuning' };
    expect(json({ plugins: [tuning, { type: 'kube-ovn', provider: 'p' }] })).toEqual({
      kind: 'ovn',
      provider: 'p',
    });
    const macvlan = { type: 'macvlan', ipam: { type: 'kube-ovn', provider: 'q' } };
    expect(json({ plugins: [macvlan, tuning] })).toEqual({ kind: 'ipam', provider: 'q' });
    expect(json({ plugins: [tuning] })).toEqual({ kind: 'other' });
  });

  it('without a configuration is only known to the nodes (T11)', () => {
    for (const raw of [{ spec: {} }, {}, { spec: { config: '' } }, { spec: null }]) {
      expect(projectNad(raw).config).toEqual({ kind: 'empty' });
    }
  });

  it('is not parsed where it is longer than 128 kB, whatever is in it', () => {
    const config = (length: number) => configOf('{"type":"x"}'.padEnd(length));
    expect(config(128 * 1024)).toEqual({ kind: 'other' });
    expect(config(128 * 1024 + 1)).toMatchObject({
      problem: { message: expect.stringContaining('131073 characters, and at most 131072') },
    });
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no object', '7'],
    ['no type', '{}'],
    ['no plugins', '{"plugins":[]}'],
    ['a first plugin without a type', '{"plugins":[{},{"type":"kube-ovn"}]}'],
    ['a type that is no text', '{"type":7}'],
    ['a provider that is no text', '{"type":"kube-ovn","provider":{}}'],
    ['an ipam that is no object', '{"type":"macvlan","ipam":"kube-ovn"}'],
  ])('is wrong with %s: %s', (_, config) => {
    const result = configOf(config);
    expect(result).toMatchObject({
      kind: 'wrong',
      problem: { message: expect.stringContaining('net-attach-def default/net') },
    });
  });

  it('is wrong where its configuration is no text', () => {
    expect(configOf({ type: 'kube-ovn' })).toMatchObject({ kind: 'wrong' });
  });
});
