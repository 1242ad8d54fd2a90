import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CniCode, isContainerId, isInterfaceName } from '../../../src/wire/cni.ts';
import { CONTAINER_ID, HOSTILE_TEXTS } from '../daemon/support.ts';

describe('error codes', () => {
  it("are the CNI specification's", () => {
    expect(CniCode).toEqual({
      incompatibleVersion: 1,
      unsupportedField: 2,
      invalidEnvironment: 4,
      io: 5,
      decoding: 6,
      invalidConfig: 7,
      tryAgainLater: 11,
      notAvailable: 50,
      noAddressLeft: 51,
    });
  });
});

describe('a container id', () => {
  it.each([CONTAINER_ID, 'a', '0', 'A1_b.c-d', 'x'.repeat(256)])('may be %j', (text) => {
    expect(isContainerId(text)).toBe(true);
  });

  it.each(['', '-a', '_a', '.a', '..', 'a/b', 'a:b', 'x'.repeat(257)])('is not %j', (text) => {
    expect(isContainerId(text)).toBe(false);
  });

  it('is none of the hostile texts, but for one that is plain', () => {
    expect(HOSTILE_TEXTS.filter(isContainerId)).toEqual(['constructor.prototype']);
  });
});

describe('an interface name', () => {
  it.each(['eth0', 'net1', 'a', 'pod16477688c0e', 'eth0.100', 'x'.repeat(15), '0', '_a'])(
    'may be %j',
    (text) => {
      expect(isInterfaceName(text)).toBe(true);
    },
  );

  it.each(['', '.', '..', '.a', '-a', 'a/b', 'a:b', 'a b', 'a%d', 'a#b', 'é', 'x'.repeat(16)])(
    'is not %j',
    (text) => {
      expect(isInterfaceName(text)).toBe(false);
    },
  );

  it('is none of the hostile texts, but for one that is plain', () => {
    expect(HOSTILE_TEXTS.filter(isInterfaceName)).toEqual(['__proto__']);
  });

  it('is one plain word of at most 15 bytes, whatever is given', async () => {
    const unit = fc.constantFrom(...'aZ09_.@+=,~-', ...'/:%"\'\\#; \n\0é');
    const anyText = fc.string({ unit, maxLength: 18 });
    await fc.assert(
      fc.property(anyText, (text) => {
        if (!isInterfaceName(text)) return;
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(15);
        expect(text).not.toMatch(/[\s/:"'\\#;%=,]|^[-.]/);
      }),
    );
  });
});
