/** The glossary names files that are there, and words of a private language do not come back. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, textOf } from './commands.ts';

const PAGE = 'docs/glossary.md';

/** Only words that mean nothing else in this field, with what is written instead. */
const PRIVATE_WORDS: readonly (readonly [word: RegExp, instead: string])[] = [
  [/\b(API server|API) doubles?\b|(Api|Log|Daemon)Double\b/, 'fake API server'],
  [/\bweather\b/i, 'faults'],
  [/\bTown\b/, 'cluster'],
  [/\bDooms?\b/i, 'kill point'],
  [/\bWitness\b/, 'recorder'],
  [/\b(re)?judg(e|ed|es|ing|ement|Subnets|Pools)\b/i, 'validate'],
  [/\.bring\(/, 'apply, ensure'],
  [/(Address|Mac|Pool|Mirror)Wish\b|\bWishes\b/, 'requests'],
  [/\bnewDraft\b|\bDraft\b/, 'transaction builder'],
  [/\bgiven? back\b|\bgives back\b|giveBack/i, 'released'],
  [/\bstor(y|ies)\b/i, 'scenario; one file a verb, one reconciler a kind'],
  [/\blive cop(y|ies)\b/i, 'informer cache, replica'],
];

/** This file and the glossary, which say the words; changelog and records are of their time. */
const SAYS_THEM = [PAGE, 'test/unit/docs/glossary.test.ts'];

const files = ['README.md', 'CONTRIBUTING.md'].concat(
  globSync('{src,test,scripts}/**/*.ts', { cwd: ROOT }),
  globSync('docs/*.md', { cwd: ROOT }),
);
const texts = files
  .filter((file) => !SAYS_THEM.includes(file))
  .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const);

describe('words', () => {
  it('are looked for in all sources and documents', () => {
    expect(texts.length).toBeGreaterThan(700);
  });

  it.each(PRIVATE_WORDS)('%s is nowhere: the word is "%s"', (word) => {
    expect(texts.filter(([, text]) => word.test(text)).map(([file]) => file)).toEqual([]);
  });
});

describe('the glossary', () => {
  const rows = [...textOf(PAGE).matchAll(/^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
    .map(([, name = '', meaning = '']) => ({ name, meaning }))
    .filter(({ name }) => name !== 'name' && name !== '---');

  it('has each name once, with its meaning', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    for (const { meaning } of rows) expect(meaning.length).toBeGreaterThan(20);
  });
});
