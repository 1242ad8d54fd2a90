/**
 * Records of DELs as they may lie on a disk: the right ones are done once, everything else is set
 * aside or left alone, and a daemon never waits for any of it for ever.
 */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import Schema from 'typebox/schema';
import { parseDelRequest } from '../../../src/daemon/model/attachment.ts';
import { RecordedDels } from '../../../src/daemon/verbs/recorded-dels.ts';
import { type CniRequest, CniRequestSchema } from '../../../src/wire/messages.ts';
import { must } from '../oracles/types.ts';
import { target } from '../target.ts';
import { membersOf, nearObject, nearText } from '../values/json.ts';
import { cniRequest } from '../values/requests.ts';
import { hostileText } from '../values/texts.ts';

interface Entry {
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'full directory' | 'link';
  readonly content: string;
}

/** A DEL that nobody recorded; links lead to it. */
const RIGHT = JSON.stringify({
  cni_type: 'kube-ovn',
  pod_name: 'web-0',
  pod_namespace: 'shop',
  container_id: 'c0ffee',
  net_ns: '',
  if_name: 'eth0',
  provider: 'ovn',
});

const RECORD = /^[0-9a-f]{64}\.json$/;
const body = nearText(
  nearObject(
    cniRequest.map((request) => membersOf({ ...request })),
    {},
    ['cni_type', 'container_id', 'if_name', 'net_ns', 'pod_name', 'provider', 'routes', 'dns'],
  ),
);

const digest = fc.constantFrom('0', 'a', 'f').map((digit) => digit.repeat(64));
const entry: fc.Arbitrary<Entry> = fc.record({
  name: fc.oneof(
    { weight: 6, arbitrary: digest.map((hex) => `${hex}.json`) },
    { weight: 1, arbitrary: digest.map((hex) => `${hex}.json.failed`) },
    { weight: 1, arbitrary: digest.map((hex) => `.${hex}.json.77.tmp`) },
    { weight: 1, arbitrary: hostileText.filter(isFileName) },
  ),
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant<Entry['kind']>('file') },
    { weight: 1, arbitrary: fc.constantFrom<Entry['kind']>('directory', 'full directory', 'link') },
  ),
  content: body,
});
const entries = fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 4 });

/** Longer than every attempt at a DEL takes; ms. */
const DONE_MS_MAX = 10_000;

export const records = target('records', 1_500, () => {
  const root = mkdtempSync(join(tmpdir(), 'kube-ovn-fuzz-'));
  const elsewhere = join(root, 'elsewhere.json');
  writeFileSync(elsewhere, RIGHT);
  return {
    cases: entries,
    check: async (all) => {
      const directory = join(root, 'deletions');
      mkdirSync(directory, { mode: 0o700 });
      for (const one of all) make(one, directory, elsewhere);
      try {
        return await drain(directory, all);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
    [Symbol.asyncDispose]: async () => rmSync(root, { recursive: true }),
  };
});

async function drain(directory: string, all: readonly Entry[]): Promise<string> {
  const done: CniRequest[] = [];
  const wrong: unknown[] = [];
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const del = async (request: CniRequest) => {
    if (!Schema.Check(CniRequestSchema, request)) wrong.push(request);
    parseDelRequest(request);
    done.push(request);
  };
  const deletions = new RecordedDels({ directory, del, ready: async () => {}, log });
  try {
    await deletions.start();
    await deletions.drained(AbortSignal.timeout(DONE_MS_MAX));
  } finally {
    deletions.stop();
  }
  must(wrong.length === 0, 'a DEL is of the contract', wrong);
  const wanted = all.filter(({ name, kind }) => RECORD.test(name) && kind === 'file');
  const right = wanted.filter(({ content }) => isRight(content));
  must(done.length === right.length, 'each right record is done once', { done, right });
  const left = readdirSync(directory);
  for (const { name } of wanted) must(!left.includes(name), 'a record is away', name);
  for (const { name, kind, content } of all.filter((one) => !RECORD.test(one.name))) {
    if (kind !== 'file' || all.some((other) => `${other.name}.failed` === name)) continue;
    const isSame = readFileSync(join(directory, name), 'utf8') === content.toWellFormed();
    must(isSame, 'what is no record is left alone', name);
  }
  return `${right.length} of ${wanted.length} done`;
}

function make({ name, kind, content }: Entry, directory: string, elsewhere: string): void {
  const path = join(directory, name);
  if (kind === 'file') writeFileSync(path, content, { mode: 0o600 });
  else if (kind === 'link') symlinkSync(elsewhere, path);
  else {
    mkdirSync(path);
    if (kind === 'full directory') mkdirSync(join(path, 'more'));
  }
  must(lstatSync(path) !== undefined, 'it is there', path);
}

function isFileName(text: string): boolean {
  const isShort = Buffer.byteLength(text) <= 255 && text.isWellFormed();
  return isShort && !['', '.', '..'].includes(text) && !/[/\0]/.test(text);
}

/** Whether a DEL can be made of it at all; what more it must be, parseDelRequest knows. */
function isRight(content: string): boolean {
  try {
    const request: unknown = JSON.parse(content.toWellFormed());
    if (!Schema.Check(CniRequestSchema, request)) return false;
    parseDelRequest(request as CniRequest);
    return Buffer.byteLength(content) <= 128 * 1024;
  } catch {
    return false;
  }
}
