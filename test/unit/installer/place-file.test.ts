/** Files that runs which were killed have left behind. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { removeUnfinished } from '../../../src/installer/place-file.ts';

it("are removed, links as links; folders and files of others stay and are in nobody's way", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cni-bin-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const file of ['kube-ovn', 'kube-ovn.tmp.0a1b', '.kube-ovn.17', 'bridge.tmp.1', 'target']) {
    writeFileSync(join(folder, file), file);
  }
  symlinkSync(join(folder, 'target'), join(folder, 'loopback.tmp.1'));
  mkdirSync(join(folder, 'loopback.tmp.d'));
  const removed = await removeUnfinished(folder, ['kube-ovn', 'loopback']);
  expect(removed).toEqual(['.kube-ovn.17', 'kube-ovn.tmp.0a1b', 'loopback.tmp.1']);
  expect(readdirSync(folder).sort()).toEqual([
    ...['bridge.tmp.1', 'kube-ovn', 'loopback.tmp.d', 'target'],
  ]);
});
