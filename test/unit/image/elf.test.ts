import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { neededLibraries } from '../../../scripts/image/elf.ts';

describe('the libraries that a program needs', () => {
  it('are read from its file', () => {
    expect(neededLibraries(readFileSync(process.execPath))).toContain('libc.so.6');
  });

  it('are none for a script', () => {
    expect(neededLibraries(Buffer.from('#!/bin/sh\n'))).toEqual([]);
  });
});
