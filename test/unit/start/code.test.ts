import { describe, expect, it } from 'vitest';
import { cacheOf, compile, run } from '../../../src/start/code.ts';

const PATH = '/nosuch/program.code.js';
const KEY = 'kube-ovn start test';
const found = globalThis as unknown as Record<string, unknown>;

function codeThatSays(word: string): Buffer {
  const parts = `const say = () => '${word}'; globalThis['${KEY}'] = { word: say(), __filename,`;
  return Buffer.from(
    `${parts} separator: require('node:path').sep, isMain: module.exports === exports };`,
  );
}

/** What a program left when it was run. */
function saidBy(code: Buffer, cache?: Buffer): { said: unknown; isRejected: boolean | undefined } {
  delete found[KEY];
  const script = compile(PATH, code, cache);
  run(PATH, script);
  return { said: found[KEY], isRejected: script.cachedDataRejected };
}

function cacheFor(code: Buffer): Buffer {
  const script = compile(PATH, code, undefined);
  run(PATH, script);
  return cacheOf(code, script);
}

const SAID = { word: 'one', __filename: PATH, separator: '/', isMain: true };

describe("a program's code", () => {
  it('is run as CommonJS, with the names that node gives it', () => {
    expect(saidBy(codeThatSays('one'))).toEqual({ said: SAID, isRejected: undefined });
  });

  it('is taken from its cache', () => {
    const code = codeThatSays('one');
    expect(saidBy(code, cacheFor(code))).toEqual({ said: SAID, isRejected: false });
  });

  it('is compiled anew where the cache is of another code of the same length', () => {
    const cache = cacheFor(codeThatSays('one'));
    const { said, isRejected } = saidBy(codeThatSays('two'), cache);
    expect(said).toEqual({ ...SAID, word: 'two' });
    expect(isRejected).toBeUndefined();
  });

  it('is compiled anew where the cache is cut off, empty or damaged', () => {
    const code = codeThatSays('one');
    const cache = cacheFor(code);
    const damaged = Buffer.from(cache);
    const last = damaged.length - 1;
    damaged.writeUInt8(255 - damaged.readUInt8(last), last);
    for (const wrong of [cache.subarray(0, 100), Buffer.alloc(0), damaged]) {
      expect(saidBy(code, wrong)).toEqual({ said: SAID, isRejected: undefined });
    }
  });

  it('names its own lines and columns in stacks', () => {
    const code = Buffer.from(`globalThis['${KEY}'] = new Error().stack;`);
    const column = code.toString().indexOf('new') + 1;
    expect(String(saidBy(code).said).split('\n')[1]).toContain(`${PATH}:1:${column}`);
  });
});
