import { describe, expect, it } from 'vitest';
import { podSelections } from '../../../../src/controller/networks/selections.ts';
import { messagesOf, rightOf } from '../kinds/object-support.ts';
import { DEFAULT_NETWORK, NETWORKS, podOf } from './support.ts';

const BARE = { namespace: 'default', ifName: '', ips: [], mac: '', isDefault: false };
const parse = (networks: string) => podSelections(podOf({ [NETWORKS]: networks }));
const selections = (networks: string) => rightOf(parse(networks));
const problems = (networks: string) => messagesOf(parse(networks));

describe('networks in the short form', () => {
  it.each([
    ['net', [{ ...BARE, name: 'net' }]],
    ['shop/net', [{ ...BARE, namespace: 'shop', name: 'net' }]],
    ['net@net1', [{ ...BARE, name: 'net', ifName: 'net1' }]],
    ['shop/net@net1', [{ ...BARE, namespace: 'shop', name: 'net', ifName: 'net1' }]],
    [
      ' a , b/c@d ',
      [
        { ...BARE, name: 'a' },
        { ...BARE, namespace: 'b', name: 'c', ifName: 'd' },
      ],
    ],
    ['net\n', [{ ...BARE, name: 'net' }]],
    ['/net', [{ ...BARE, name: 'net' }]],
  ])('are read: %j', (text, expected) => {
    expect(selections(text)).toEqual(expected);
  });

  it.each([
    ['two slashes', 'a/b/c'],
    ['two interfaces', 'net@a@b'],
    ['no name', 'shop/'],
    ['no interface', 'net@'],
    ['an empty item', 'a,,b'],
    ['a comma at the end', 'a,'],
    ['a dot', 'a.b'],
    ['an upper-case name', 'Net'],
    ['an upper-case interface', 'net@Eth1'],
    ['a hyphen in front', '-net'],
    ['a space within', 'my net'],
    ['nothing but space', '  '],
  ])('are refused with %s: %j', (_, text) => {
    expect(problems(text)).toHaveLength(1);
    expect(problems(text)[0]).toContain(`annotation ${NETWORKS} is wrong`);
  });
});

describe('networks in JSON', () => {
  it('have a namespace, an interface, addresses and a MAC', () => {
    const element = {
      name: 'net',
      namespace: 'shop',
      interface: 'net1',
      ips: ['10.0.0.5/16', 'fd00::5'],
      mac: '00:00:00:53:6B:BB',
      'default-route': ['172.17.0.1'],
      'cni-args': { a: 1 },
      unknown: null,
    };
    expect(selections(JSON.stringify([element]))).toEqual([
      {
        namespace: 'shop',
        name: 'net',
        ifName: 'net1',
        ips: ['10.0.0.5/16', 'fd00::5'],
        mac: '00:00:00:53:6B:BB',
        isDefault: false,
      },
    ]);
  });

  it('are in the namespace of the pod where they do not say', () => {
    expect(selections('[{"name":"net"},{"name":"net","namespace":""}]')).toEqual([
      { ...BARE, name: 'net' },
      { ...BARE, name: 'net' },
    ]);
  });

  it('may have the namespace in the name, as in the documentation (T3)', () => {
    expect(selections('[\n {"name": "shop/public-network"},\n {"name": "a/b"}\n]\n')).toEqual([
      { ...BARE, namespace: 'shop', name: 'public-network', isJoined: true },
      { ...BARE, namespace: 'a', name: 'b', isJoined: true },
    ]);
  });

  it('may be none', () => {
    expect(selections('[]')).toEqual([]);
    expect(selections('')).toEqual([]);
  });

  it('may have names with dots, and of interfaces what other plugins take', () => {
    expect(selections('[{"name":"a.b","interface":"Eth_1"}]')).toEqual([
      { ...BARE, name: 'a.b', ifName: 'Eth_1' },
    ]);
  });

  it.each([
    ['an object alone', '{"name":"net"}'],
    ['a text alone', '"net"'],
    ['broken', '[{"name":"net"}'],
    ['a list of texts', '["net"]'],
    ['a list of null', '[null]'],
    ['a list of lists', '[[]]'],
    ['without a name', '[{"namespace":"shop"}]'],
    ['with a name of another type', '[{"name":7}]'],
    ['with a namespace twice', '[{"name":"a/b","namespace":"c"}]'],
    ['with two slashes', '[{"name":"a/b/c"}]'],
    ['with an upper-case name', '[{"name":"Net"}]'],
    ['with a name of an object in JavaScript', '[{"name":"__proto__"}]'],
    ['with one address instead of a list', '[{"name":"net","ips":"10.0.0.5"}]'],
    ['with an address that is a number', '[{"name":"net","ips":[7]}]'],
    ['with a MAC that is a number', '[{"name":"net","mac":7}]'],
    ['with a default route that is no address', '[{"name":"net","default-route":["x"]}]'],
    ['with one bad element', '[{"name":"net"},{"name":"a b"}]'],
  ])('are refused: %s', (_, text) => {
    const found = problems(text);
    expect(found.length).toBeGreaterThan(0);
    for (const message of found) expect(message).toContain(`annotation ${NETWORKS}`);
  });
});

describe('the default network', () => {
  it('comes before the others', () => {
    const pod = podOf({ [NETWORKS]: 'a', [DEFAULT_NETWORK]: 'shop/b' });
    expect(rightOf(podSelections(pod))).toEqual([
      { ...BARE, namespace: 'shop', name: 'b', isDefault: true },
      { ...BARE, name: 'a' },
    ]);
  });

  it('is one in JSON, too', () => {
    const pod = podOf({ [DEFAULT_NETWORK]: '[{"name":"b"}]' });
    expect(rightOf(podSelections(pod))).toEqual([{ ...BARE, name: 'b', isDefault: true }]);
  });

  it('is named where it is wrong', () => {
    expect(messagesOf(podSelections(podOf({ [DEFAULT_NETWORK]: 'B' })))[0]).toContain(
      DEFAULT_NETWORK,
    );
  });
});

describe('the number of networks of a pod', () => {
  const short = (count: number) => Array(count).fill('m').join(',');
  const json = (count: number) => JSON.stringify(Array(count).fill({ name: 'm' }));

  it('is 64 at most, in either form', () => {
    for (const form of [short, json]) {
      expect(selections(form(64))).toHaveLength(64);
      for (const count of [65, 4_000]) {
        expect(problems(form(count))).toEqual([
          'annotation k8s.v1.cni.cncf.io/networks is wrong: a pod has at most 64 networks, and this one names more',
        ]);
      }
    }
  });

  it('counts both annotations', () => {
    const both = { [DEFAULT_NETWORK]: 'eth', [NETWORKS]: short(64) };
    expect(messagesOf(podSelections(podOf(both)))).toHaveLength(1);
    expect(rightOf(podSelections(podOf({ ...both, [NETWORKS]: short(63) })))).toHaveLength(64);
  });
});

describe('an annotation that names networks', () => {
  it('is not parsed where it is longer than 64 networks can be, whatever is in it', () => {
    const nested = '['.repeat(65_537);
    const wrong =
      'annotation k8s.v1.cni.cncf.io/networks is wrong: it has 65537 characters, and at most 65536 are read';
    expect(problems(nested)).toEqual([wrong]);
    expect(problems(nested.slice(1))).not.toEqual([wrong]);
    expect(selections(`m${' '.repeat(65_535)}`)).toHaveLength(1);
  });
});
