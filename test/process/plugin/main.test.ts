import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { httpDaemon } from '../../unit/plugin/fake-daemon.ts';

const MAIN = fileURLToPath(new URL('../../../src/plugin/main.ts', import.meta.url));
const ENV = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/run/netns/pod',
  CNI_IFNAME: 'eth0',
  CNI_ARGS: 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod',
};

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the executable's source as a process; stdin stays open where `stdin` is undefined. */
function execute(env: Record<string, string>, stdin?: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.stdin.on('error', () => {});
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
    if (stdin !== undefined) {
      child.stdin.end(stdin);
    }
  });
}

describe('the process', () => {
  it('answers VERSION while stdin is open', async () => {
    const { exitCode, stdout, stderr } = await execute({ CNI_COMMAND: 'VERSION' });
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '1.1.0' });
  });

  it('adds a pod and prints one line of JSON', async () => {
    const answer = { ips: null, mac_address: '', routes: null, mtu: 0, nicname: 'eth0', error: '' };
    const { socketPath } = await httpDaemon(200, JSON.stringify(answer));
    const config = { cniVersion: '1.1.0', type: 'kube-ovn', server_socket: socketPath };
    const { exitCode, stdout, stderr } = await execute(ENV, JSON.stringify(config));
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\{.*\}\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ interfaces: [{ name: 'eth0' }] });
  });

  it('prints an error as JSON to stdout and exits with 1', async () => {
    const { exitCode, stdout, stderr } = await execute(ENV, 'no json');
    expect([exitCode, stderr]).toEqual([1, '']);
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: '1.1.0', code: 6 });
  });

  it('refuses a stdin that has no end', async () => {
    const { exitCode, stdout } = await execute(ENV, ' '.repeat(2_000_000));
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 6,
      details: 'stdin has more than 1048576 bytes',
    });
  });
});

describe('the source', () => {
  it('imports only what Node.js has, itself, and the contract without its schemas', () => {
    const seen = new Set<string>();
    const pending = [MAIN];
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      if (seen.has(file)) {
        continue;
      }
      seen.add(file);
      for (const [, specifier = ''] of runtimeImports(readFileSync(file, 'utf8'))) {
        if (specifier.startsWith('node:')) {
          continue;
        }
        expect(specifier).toMatch(/^\.\/[\w-]+\.ts$|^\.\.\/wire\/(cni|paths|version)\.ts$/);
        pending.push(fileURLToPath(new URL(specifier, `file://${file}`)));
      }
    }
    expect(seen.size).toBeGreaterThan(8);
  });
});

function runtimeImports(source: string): Iterable<RegExpMatchArray> {
  return source.matchAll(/^(?:import (?!type\b)[^;]*?from |.*\bimport\()'([^']+)'/gm);
}
