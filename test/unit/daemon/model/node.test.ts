import { describe, expect, it } from 'vitest';
import { projectNode } from '../../../../src/daemon/model/node.ts';
import { HOSTILE_TEXTS } from '../support.ts';

const nodeWith = (metadata: object, status?: object) => projectNode({ metadata, status });
const networksOf = (text: string) =>
  nodeWith({ annotations: { 'ovn.kubernetes.io/node_networks': text } }).nodeNetworks;

describe("this node's object", () => {
  it('is kept with its labels', () => {
    expect(nodeWith({ labels: { a: '1', 'b/c': '' } }).labels).toEqual({ a: '1', 'b/c': '' });
  });

  it('may be bare', () => {
    for (const metadata of [{}, { labels: null, annotations: null }]) {
      const node = nodeWith(metadata);
      expect(node.labels).toEqual({});
      expect(Object.keys(node.nodeNetworks)).toEqual([]);
      expect(node).not.toHaveProperty('internalAddress');
    }
  });

  it('has the first InternalIP, whatever stands before it', () => {
    const addresses = [
      { type: 'Hostname', address: 'node-1' },
      { type: 'ExternalIP', address: '203.0.113.1' },
      { type: 'InternalIP', address: '192.168.0.1' },
      { type: 'InternalIP', address: 'fd00::1' },
    ];
    expect(nodeWith({}, { addresses }).internalAddress).toBe('192.168.0.1');
    expect(nodeWith({}, { addresses: addresses.slice(0, 2) })).not.toHaveProperty(
      'internalAddress',
    );
  });
});

describe('the node networks', () => {
  it('are addresses by name', () => {
    const networks = networksOf('{"storage":"10.1.0.1","v6":"FD00::0:1"}');
    expect({ ...networks }).toEqual({ storage: '10.1.0.1', v6: 'fd00::1' });
  });

  it('leave out what is no address', () => {
    const networks = networksOf(
      '{"a":"10.1.0.1/24","b":7,"c":null,"d":"010.1.1.1","e":["1.1.1.1"]}',
    );
    expect(Object.keys(networks)).toEqual([]);
  });

  it.each(['', 'x', '[]', '["10.1.0.1"]', '"10.1.0.1"', 'null', '7', '{', '{"a":}'])(
    'are none in %j',
    (text) => {
      expect(Object.values(networksOf(text)).filter((value) => value !== '10.1.0.1')).toEqual([]);
      expect(networksOf(text).storage).toBeUndefined();
    },
  );

  it('are none in hostile texts', () => {
    for (const text of HOSTILE_TEXTS) expect(Object.keys(networksOf(text))).toEqual([]);
  });

  it('have no names of their own', () => {
    const networks = networksOf('{"__proto__":"10.1.0.1"}');
    expect(networks.toString).toBeUndefined();
    expect(networks.constructor).toBeUndefined();
    expect(Object.keys(networks)).toEqual(['__proto__']);
  });
});

describe('the chassis annotation', () => {
  it('is kept where there is one', () => {
    const annotations = { 'ovn.kubernetes.io/chassis': 'system-id' };
    expect(nodeWith({ annotations }).chassis).toBe('system-id');
    expect(nodeWith({})).not.toHaveProperty('chassis');
  });
});
