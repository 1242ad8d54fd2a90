import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type HealthParts, healthSources } from '../../../../src/daemon/report/health.ts';
import { tryConnect } from '../../../../src/daemon/socket.ts';

const SIGNAL = new AbortController().signal;

function setUp() {
  const folder = mkdtempSync('/tmp/health-');
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'cni.sock');
  // Nothing of a node works: neither the API server nor OVS.
  const parts = {} as HealthParts;
  return { socketPath, sources: healthSources(parts, { socketPath, connect: tryConnect }) };
}

it('lives and is ready exactly where its socket is served, whatever else is broken', async () => {
  const { socketPath, sources } = setUp();
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  for (const source of [sources.livez, sources.readyz]) {
    expect(await source(SIGNAL)).toEqual({ isFine: true });
  }
  await new Promise((resolve) => server.close(resolve));
  for (const source of [sources.livez, sources.readyz]) {
    expect(await source(SIGNAL)).toEqual({
      isFine: false,
      notes: [`no CNI call can be served: ${socketPath}: ENOENT`],
    });
  }
});
