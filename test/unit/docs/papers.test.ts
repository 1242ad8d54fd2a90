/** LICENSE, CHANGELOG, CONTRIBUTING and the records of decisions have the form that they say they have. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linksOf, ROOT, textOf } from './commands.ts';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly license: string;
  readonly version: string;
};
const records = readdirSync(join(ROOT, 'docs/adr'))
  .filter((name) => name !== 'README.md')
  .sort();

describe('the licence', () => {
  it('is the one that package.json and the image name', () => {
    const [, name, version] =
      /^ +(Apache) License\n +Version (\d\.\d),/m.exec(textOf('LICENSE')) ?? [];
    expect(`${name}-${version}`).toBe(manifest.license);
    expect(textOf('Dockerfile')).toContain(`licenses="${manifest.license}`);
  });

  it('is whole', () => {
    expect(textOf('LICENSE')).toContain('END OF TERMS AND CONDITIONS');
    expect(textOf('LICENSE').split('\n').length).toBeGreaterThan(200);
  });
});

describe('the changelog', () => {
  const headings = [...textOf('CHANGELOG.md').matchAll(/^## (.+)$/gm)].map(([, text]) => text);

  it('begins with what is not released', () => {
    expect(headings[0]).toBe('[Unreleased]');
  });

  it('has a date for each version', () => {
    for (const heading of headings.slice(1)) {
      expect(heading).toMatch(/^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
    }
  });

  it('groups changes as Keep a Changelog does', () => {
    const groups = [...textOf('CHANGELOG.md').matchAll(/^### (.+)$/gm)].map(([, text]) => text);
    expect(groups.length).toBeGreaterThan(0);
    for (const group of groups) {
      expect(['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']).toContain(group);
    }
  });
});

describe('records of decisions', () => {
  it('have numbers without gaps', () => {
    const numbers = records.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]);
    expect(numbers).toEqual(records.map((_, index) => String(index + 1).padStart(4, '0')));
  });

  it('stand in the list, under their titles', () => {
    const listed = linksOf('docs/adr/README.md').map(([path]) => path);
    expect(listed.filter((path) => /^\d/.test(path)).sort()).toEqual(records);
    for (const name of records) {
      const [, title = ''] = /^# (\d{4}: .+)$/m.exec(textOf(`docs/adr/${name}`)) ?? [];
      expect(textOf('docs/adr/README.md')).toContain(`| [${title}](${name}) |`);
    }
  });

  it.each(records)('%s has a status, context, decision, alternatives and consequences', (name) => {
    const text = textOf(`docs/adr/${name}`);
    expect(text).toMatch(/^(Accepted|Superseded|Proposed)\b.*\d{4}-\d\d-\d\d/m);
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['Context', 'Decision', 'Alternatives', 'Consequences']);
  });
});
