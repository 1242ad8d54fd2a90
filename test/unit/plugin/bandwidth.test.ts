import * as fc from 'fast-check';
import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/plugin/invocation.ts';
import { checkConfig, decodeConfig } from '../../../src/plugin/network-config.ts';
import { CniRequestSchema } from '../../../src/wire/messages.ts';
import { requestOf } from '../daemon/support.ts';
import { failureOf } from './attempt.ts';

const FIELDS = [
  ['ingressRate', 'ingress_rate', 'a whole number of bit/s'],
  ['ingressBurst', 'ingress_burst', 'a whole number of bits'],
  ['egressRate', 'egress_rate', 'a whole number of bit/s'],
  ['egressBurst', 'egress_burst', 'a whole number of bits'],
] as const;
const NOTHING = { ingress_rate: 0, ingress_burst: 0, egress_rate: 0, egress_burst: 0 };

const OWN = '"type":"kube-ovn","server_socket":"/s","provider":"a.b.ovn"';
const DELEGATE = `"type":"macvlan","ipam":{${OWN}}`;

/** The request's part, of a `runtimeConfig` that is JSON text. */
function read(runtimeConfig: string, command: (typeof COMMANDS)[number] = 'ADD', type = OWN) {
  const { top } = decodeConfig(`{${type},"runtimeConfig":${runtimeConfig}}`);
  return checkConfig(top, command, 'net1').request;
}

describe('the bandwidth of runtimeConfig', () => {
  it('is in the request of an ADD with all that it says', () => {
    const said = '{"ingressRate":2048,"ingressBurst":1600,"egressRate":4096,"egressBurst":1601}';
    expect(read(`{"bandwidth":${said}}`).bandwidth).toEqual({
      ingress_rate: 2048,
      ingress_burst: 1600,
      egress_rate: 4096,
      egress_burst: 1601,
    });
  });

  it.each(FIELDS)('may say %s alone', (key, field) => {
    expect(read(`{"bandwidth":{"${key}":1}}`).bandwidth).toEqual({ ...NOTHING, [field]: 1 });
  });

  it.each([
    'null',
    '{}',
    '{"bandwidth":null}',
    '{"bandwidth":{}}',
    '{"bandwidth":{"ingressRate":null}}',
    '{"bandwidth":{"ingressRate":0,"ingressBurst":0,"egressRate":0,"egressBurst":-0}}',
    '{"bandwidth":{"IngressRate":1,"ingress_rate":"x","__proto__":{"egressRate":1}}}',
    '{"portMappings":[{"hostPort":80}],"mac":"00:00:00:53:6b:b6"}',
  ])('asks for nothing with %s, and is left out', (runtimeConfig) => {
    expect(read(runtimeConfig)).not.toHaveProperty('bandwidth');
    expect(read(runtimeConfig)).toEqual(read('{"bandwidth":{}}'));
  });

  it.each([
    ['4294967295', 4_294_967_295],
    ['34359738359', 34_359_738_359],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740993', Number.MAX_SAFE_INTEGER],
    ['18446744073709551615', Number.MAX_SAFE_INTEGER],
    ['1e300', Number.MAX_SAFE_INTEGER],
    ['1e3', 1000],
    ['1000.0', 1000],
  ])('may be as large as Go has it: %s', (number, expected) => {
    const { bandwidth } = read(`{"bandwidth":{"egressRate":${number}}}`);
    expect(bandwidth).toEqual({ ...NOTHING, egress_rate: expected });
  });

  describe.each(FIELDS)('with a wrong %s', (key, _, expected) => {
    it.each([
      ['"1000"', '"1000"'],
      ['"1M"', '"1M"'],
      ['""', '""'],
      ['-1', '-1'],
      ['0.5', '0.5'],
      ['1e-9', '1e-9'],
      ['1e400', 'null'],
      ['true', 'true'],
      ['[1]', '[1]'],
      ['{"a":1}', '{"a":1}'],
    ])('like %s is error 7, which names it', (value, shown) => {
      const failure = failureOf(() => read(`{"bandwidth":{"${key}":${value}}}`));
      expect(failure).toMatchObject({ code: 7, msg: 'invalid network configuration' });
      const field = `runtimeConfig.bandwidth.${key}`;
      expect(failure.details).toBe(`${field}: expected ${expected}, found ${shown}`);
    });
  });

  it.each([
    ['1', 'runtimeConfig: expected an object, found 1'],
    ['"text"', 'runtimeConfig: expected an object, found "text"'],
    ['[]', 'runtimeConfig: expected an object, found []'],
    ['{"bandwidth":1000}', 'runtimeConfig.bandwidth: expected an object, found 1000'],
    ['{"bandwidth":""}', 'runtimeConfig.bandwidth: expected an object, found ""'],
    ['{"bandwidth":[1]}', 'runtimeConfig.bandwidth: expected an object, found [1]'],
  ])('must be an object: %s is error 7', (runtimeConfig, details) => {
    expect(failureOf(() => read(runtimeConfig))).toMatchObject({ code: 7, details });
  });
});

const WRONG = ['1', '{"bandwidth":1}', '{"bandwidth":{"ingressRate":"1M"}}'];

describe('a wrong bandwidth', () => {
  const others = COMMANDS.filter((command) => command !== 'ADD' && command !== 'VERSION');
  it.each(others)('is not looked at by %s, nor is a right one', (command) => {
    for (const said of [...WRONG, '{"bandwidth":{"ingressRate":1000}}']) {
      expect(read(said, command)).toEqual(read('null', command));
      expect(read(said, command)).not.toHaveProperty('bandwidth');
    }
  });

  it('is not looked at for another plugin, which shapes its own interface', () => {
    for (const said of [...WRONG, '{"bandwidth":{"ingressRate":1000}}']) {
      expect(read(said, 'ADD', DELEGATE)).toEqual(read('null', 'ADD', DELEGATE));
      expect(read(said, 'ADD', DELEGATE)).not.toHaveProperty('bandwidth');
    }
  });
});

describe('any bandwidth', () => {
  it('is error 7 or a request that the daemon takes', async () => {
    const number = fc.oneof(
      fc.nat(),
      fc.maxSafeNat(),
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    const value = fc.oneof(number.map(String), number.map(String), fc.json());
    const said = fc
      .tuple(value, value, value, value)
      .map((all) => `{${all.map((text, i) => `"${FIELDS[i]?.[0]}":${text}`).join()}}`);
    const outcomes = new Set<string>();
    await fc.assert(
      fc.property(said, (text) => {
        let bandwidth: unknown;
        try {
          bandwidth = read(`{"bandwidth":${text}}`).bandwidth;
        } catch {
          const failure = failureOf(() => read(`{"bandwidth":${text}}`));
          expect(failure.code).toBe(7);
          expect(failure.details).toMatch(/^runtimeConfig\.bandwidth\.(in|e)gress(Rate|Burst): /);
          outcomes.add('refused');
          return;
        }
        const body = JSON.parse(JSON.stringify({ ...requestOf(), bandwidth }));
        expect(Schema.Check(CniRequestSchema, body)).toBe(true);
        expect(JSON.stringify(bandwidth ?? {})).not.toContain('e+');
        outcomes.add('taken');
      }),
    );
    expect(outcomes.size).toBe(2);
  });
});
