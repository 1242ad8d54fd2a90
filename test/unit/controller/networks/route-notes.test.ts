import { describe, expect, it } from 'vitest';
import { routeNotes } from '../../../../src/controller/networks/route-notes.ts';

const subnet = { blocks: [] };

describe('the routes that a pod asks for', () => {
  it('are not checked where the annotation is longer than 128 kB, whatever is in it', () => {
    const nested = '['.repeat(128 * 1024);
    expect(routeNotes(nested, subnet)[0]).toContain('write a JSON array');
    expect(routeNotes(`${nested}[`, subnet)).toEqual([
      'has 131073 characters, and more than 131072 are not checked',
    ]);
  });
});
