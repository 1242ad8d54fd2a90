import { writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadKubeConfig } from '../../../../src/common/kubernetes/config.ts';
import { FakeApiServer } from '../../../lab/kubernetes/api.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

async function inFile(content: string, use: (path: string) => void): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  try {
    const path = join(folder, 'config');
    await writeFile(path, content);
    use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('loadKubeConfig', () => {
  it('reads a kubeconfig file', async () => {
    await using server = await FakeApiServer.start({ token: 'secret' });
    await inFile(server.kubeconfig(), (path) => {
      const config = loadKubeConfig(path);
      expect(config.getCurrentCluster()?.server).toBe(server.url);
      expect(config.getCurrentUser()?.token).toBe('secret');
    });
  });

  it("reads a token's file for every request", async () => {
    await using server = await FakeApiServer.start();
    await inFile(server.kubeconfig(), (path) => {
      const tokenFile = join(dirname(path), 'token');
      const file = JSON.parse(server.kubeconfig());
      file.users[0].user['auth-provider'] = { name: 'tokenFile', config: { tokenFile } };
      writeFileSync(path, JSON.stringify(file));
      const config = loadKubeConfig(path);
      for (const token of ['first', 'second']) {
        writeFileSync(tokenFile, `${token}\n`);
        expect(config.getCurrentUser()?.token).toBe(token);
      }
    });
  });

  it('refuses a file whose context leads to no cluster', async () => {
    await inFile('current-context: nowhere\nclusters: []\ncontexts: []\nusers: []\n', (path) => {
      expect(() => loadKubeConfig(path)).toThrow('current-context names no cluster');
    });
  });

  it('says that there is no such file', () => {
    expect(() => loadKubeConfig('/nowhere/kubeconfig')).toThrow('ENOENT');
  });

  it('takes the address that a pod is given', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
    expect(loadKubeConfig().getCurrentCluster()?.server).toBe('https://[fd00::1]:443');
  });

  it('says what is missing where there is neither', () => {
    vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', undefined);
    expect(() => loadKubeConfig()).toThrow('no kubeconfig is given');
  });
});
