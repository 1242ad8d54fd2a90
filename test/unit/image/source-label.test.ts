import { describe, expect, it } from 'vitest';
import { sourceOf } from '../../../scripts/image/source-label.ts';

describe('the label that says where the sources are', () => {
  it.each([
    ['git+https://example.org/team/project.git', 'https://example.org/team/project'],
    ['git://example.org/team/project.git', 'https://example.org/team/project'],
    ['https://example.org/team/project', 'https://example.org/team/project'],
    ['team/project', 'https://github.com/team/project'],
    ['github:team/project', 'https://github.com/team/project'],
  ])('is for %s of package.json: %s', (repository, expected) => {
    expect(sourceOf({ version: '1.0.0', repository })).toBe(expected);
    expect(sourceOf({ version: '1.0.0', repository: { url: repository } })).toBe(expected);
  });

  it('is left out where package.json names no repository', () => {
    expect(sourceOf({ version: '1.0.0' })).toBeUndefined();
  });
});
