/**
 * What a pod has of the API server: its address in the environment, TLS, and a directory with the
 * CA and a token, in which the kubelet replaces the token from time to time.
 */
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { command } from '../command.ts';
import type { KubernetesApiDouble } from './api.ts';

/** /var/run is /run, which the lab has for itself. */
const SERVICE_ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount';

export class InCluster implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #tokenCount = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Puts TLS in front of the double, and writes the directory with a first token. */
  static async start(api: KubernetesApiDouble, token: string): Promise<InCluster> {
    await mkdir(SERVICE_ACCOUNT, { recursive: true });
    const [key, cert] = [`${SERVICE_ACCOUNT}/key.pem`, `${SERVICE_ACCOUNT}/ca.crt`];
    await command('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', cert, '-subj', '/CN=api', '-days', '2'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1'],
    ]);
    const options = { key: await readFile(key), cert: await readFile(cert) };
    const inCluster: InCluster = new InCluster(
      createServer(options, (client) => inCluster.#passOn(client, Number(new URL(api.url).port))),
    );
    inCluster.#server.listen(0, '127.0.0.1');
    await once(inCluster.#server, 'listening');
    await inCluster.writeToken(token);
    return inCluster;
  }

  /** What the kubelet puts into a container's environment. */
  get environment(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: `${port}` };
  }

  /** Replaces the token as the kubelet does: the file is a link through `..data`, which is renamed. */
  async writeToken(token: string): Promise<void> {
    this.#tokenCount += 1;
    const version = `..${this.#tokenCount}`;
    await mkdir(`${SERVICE_ACCOUNT}/${version}`);
    await writeFile(`${SERVICE_ACCOUNT}/${version}/token`, token);
    await symlink(version, `${SERVICE_ACCOUNT}/..data_tmp`);
    await rename(`${SERVICE_ACCOUNT}/..data_tmp`, `${SERVICE_ACCOUNT}/..data`);
    if (this.#tokenCount === 1) await symlink('..data/token', `${SERVICE_ACCOUNT}/token`);
    else await rm(`${SERVICE_ACCOUNT}/..${this.#tokenCount - 1}`, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
    await rm(SERVICE_ACCOUNT, { recursive: true });
  }

  #passOn(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one
        .on('error', () => {})
        .once('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  }
}
