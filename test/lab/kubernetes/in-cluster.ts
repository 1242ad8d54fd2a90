/**
 * What a pod has of the API server: its address in the environment, and a directory with the CA
 * and a token, in which the kubelet replaces the token from time to time.
 */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import type { Account, FakeApiServer } from './api.ts';

/** /var/run is /run, which the lab has for itself. */
const SERVICE_ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount';

export class InCluster implements AsyncDisposable {
  readonly #api: FakeApiServer;
  #tokenCount = 0;

  private constructor(api: FakeApiServer) {
    this.#api = api;
  }

  /** Writes the directory with an account's token of now. */
  static async start(api: FakeApiServer, account: Account): Promise<InCluster> {
    await mkdir(SERVICE_ACCOUNT, { recursive: true });
    await writeFile(`${SERVICE_ACCOUNT}/ca.crt`, api.authority ?? '');
    const inCluster = new InCluster(api);
    await inCluster.writeToken(api.tokenOf(account));
    return inCluster;
  }

  /** What the kubelet puts into a container's environment. */
  get environment(): Record<string, string> {
    const { hostname, port } = new URL(this.#api.url);
    return { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
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
    await rm(SERVICE_ACCOUNT, { recursive: true });
  }
}
