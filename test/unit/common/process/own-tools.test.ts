import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withOwnTools } from '../../../../src/common/process/own-tools.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'own-tools-'));
  mkdirSync(join(folder, 'program'));
  writeFileSync(join(folder, 'program/daemon'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("a program's tools", () => {
  it('are those beside it before those of the image, also where it is called by a link', () => {
    mkdirSync(join(folder, 'program/tools'));
    symlinkSync('program/daemon', join(folder, 'link'));
    expect(withOwnTools('/usr/sbin:/usr/bin', join(folder, 'link'))).toBe(
      `${join(folder, 'program/tools')}:/usr/sbin:/usr/bin`,
    );
  });

  it("are the machine's where nothing is beside it", () => {
    expect(withOwnTools('/usr/bin', join(folder, 'program/daemon'))).toBe('/usr/bin');
    expect(withOwnTools('/usr/bin', undefined)).toBe('/usr/bin');
  });
});
