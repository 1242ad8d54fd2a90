/**
 * Set-up of every file of the unit ring (ring.ts): what is not for this ring fails at the call, and
 * fails the file in the end where the code under test takes the failure for one of the world.
 */
import { afterAll, expect } from 'vitest';
import { installGuards, takeRefused } from './ring.ts';

installGuards();
takeRefused();

afterAll(() => {
  expect(takeRefused()).toEqual([]);
});
