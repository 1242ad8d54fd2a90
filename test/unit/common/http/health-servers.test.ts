import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { healthHandler } from '../../../../src/common/http/health-server.ts';
import { HealthServers } from '../../../../src/common/http/health-servers.ts';
import { makeSelfSigned } from '../../../../src/common/http/self-signed.ts';
import { readTlsSettings, type TlsSettings } from '../../../../src/common/http/tls-settings.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';

const HANDLER = healthHandler({
  livez: () => ({ isFine: true }),
  readyz: () => ({ isFine: true }),
  statusz: () => ({ program: 'agent', instance: 'node-1', startedAt: '2026-01-01', parts: [] }),
});

interface Options {
  readonly port?: number;
  readonly addresses?: readonly string[];
  readonly tls?: TlsSettings;
}

function start({ port = 0, addresses = ['127.0.0.1'], tls }: Options) {
  const log = new RecordingLog();
  const more = tls === undefined ? {} : { tls };
  const servers = new HealthServers(HANDLER, {
    port,
    addresses,
    commonName: 'agent',
    log,
    ...more,
  });
  onTestFinished(() => servers.stop());
  const ports = async (count: number) => {
    await vi.waitFor(() => expect(servers.servers).toHaveLength(count), { timeout: 60_000 });
    return servers.servers.map((server) => (server.address() as AddressInfo).port);
  };
  return { servers, ports, lines: log.lines };
}

describe('the servers', () => {
  it('listen on each address', async () => {
    const { ports } = start({ addresses: ['127.0.0.1', '127.0.0.2'] });
    await ports(2);
  });

  it('wait for a port that another process has, say so once, and have it when it is free', async () => {
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { ports, lines } = start({ port });
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    expect(lines[0]?.message).toMatch(new RegExp(`port ${port} of 127.0.0.1: .*EADDRINUSE`));
    other.close();
    expect(await ports(1)).toEqual([port]);
    expect(lines).toHaveLength(1);
  });

  it('that are stopped while they wait are gone', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => {
      other.close();
    });
    const { port } = other.address() as AddressInfo;
    const { servers, lines } = start({ port });
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    await servers.stop();
    expect(servers.servers).toEqual([]);
  });
});

it('connections that cannot be taken are told once for each reason', async () => {
  const { servers, ports, lines } = start({});
  const [port] = await ports(1);
  const [server] = servers.servers;
  for (let nth = 0; nth < 3; nth += 1) server?.emit('error', new Error('accept ENFILE'));
  expect(lines).toMatchObject([
    { level: 'warn', message: 'cannot take a connection on port 0 of 127.0.0.1: accept ENFILE' },
  ]);
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
});

async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'secureConnect');
  return socket;
}

const tlsOf = (minVersion: string, maxVersion = '', cipherSuites: string[] = []) =>
  readTlsSettings({ minVersion, maxVersion, cipherSuites });

describe('HTTPS', () => {
  it('is answered with a certificate of its own for a year', async () => {
    const { ports } = start({ tls: tlsOf('') });
    const [port = 0] = await ports(1);
    const socket = await handshake(port, {});
    const { raw, subjectaltname } = socket.getPeerCertificate();
    expect(subjectaltname).toContain('IP Address:127.0.0.1');
    const certificate = new X509Certificate(raw);
    const lastsMs = certificate.validToDate.getTime() - Date.now();
    expect(lastsMs).toBeGreaterThan(360 * 24 * 3600 * 1000);
    expect(lastsMs).toBeLessThan(366 * 24 * 3600 * 1000);
    socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 200 /);
  });

  it('has the versions that are asked for, old ones too', async () => {
    const { ports } = start({ tls: tlsOf('TLS10', 'TLS11') });
    const [port = 0] = await ports(1);
    const old = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const;
    expect((await handshake(port, old)).getProtocol()).toBe('TLSv1.1');
    await expect(handshake(port, { minVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  it('has at least TLS 1.2 by default', async () => {
    const { ports } = start({ tls: tlsOf('') });
    const [port = 0] = await ports(1);
    expect((await handshake(port, {})).getProtocol()).toBe('TLSv1.3');
    const old = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const;
    await expect(handshake(port, old)).rejects.toThrow();
  });

  it.each([
    ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
    ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
  ])('has the suite %s', async (suite, name) => {
    const { ports } = start({ tls: tlsOf('', 'TLS12', [suite]) });
    const [port = 0] = await ports(1);
    const socket = await handshake(port, { ciphers: 'ALL', maxVersion: 'TLSv1.2' });
    expect(socket.getCipher().name).toBe(name);
  });
});

it("certificates of ours are read by node's own X.509, with names and addresses", async () => {
  const { cert } = await makeSelfSigned({
    commonName: 'kube-ovn-cni',
    hosts: ['localhost', '10.0.0.1', 'fd00::1'],
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2061-01-01T00:00:00Z'),
  });
  expect(cert).toHaveLength(2);
  for (const pem of cert) {
    const certificate = new X509Certificate(pem);
    expect(certificate.subject).toBe('CN=kube-ovn-cni');
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1',
    );
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.validToDate).toEqual(new Date('2061-01-01T00:00:00Z'));
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('10.0.0.1')).toBe('10.0.0.1');
  }
});
