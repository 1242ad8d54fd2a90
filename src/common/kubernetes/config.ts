/**
 * Where the API server is and who we are to it.
 */
import { readFileSync } from 'node:fs';
import { KubeConfig, type User } from '@kubernetes/client-node';

/**
 * Reads a kubeconfig file, or without one what the kubelet gives every pod (service account
 * token, CA, and the KUBERNETES_SERVICE_* variables).
 *
 * client-node is imported by its root everywhere: its `dist/config.js` alone loads the whole
 * generated client too, and needs the same memory (132 MB unbundled, measured on 2.0.1).
 *
 * @throws Error when the file cannot be read or names no cluster, or when there is neither
 */
export function loadKubeConfig(kubeconfigPath?: string): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfigPath !== undefined) {
    config.loadFromFile(kubeconfigPath);
    if (config.getCurrentCluster() === null) {
      throw new Error(`${kubeconfigPath}: current-context names no cluster of this file`);
    }
    config.users = config.users.map(withFreshToken);
    return config;
  }
  config.loadFromCluster();
  // Outside a pod client-node makes the address https://undefined:undefined of it.
  if (!URL.canParse(config.getCurrentCluster()?.server ?? '')) {
    throw new Error(
      'no kubeconfig is given, and KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT say no API server',
    );
  }
  config.users = config.users.map(withFreshToken);
  return config;
}

/** Name and port of the API server, for metrics; empty where the address has none. */
export function hostOf(config: KubeConfig): string {
  const server = config.getCurrentCluster()?.server ?? '';
  return URL.canParse(server) ? new URL(server).host : '';
}

/**
 * A user whose token is in a file that is replaced, like a service account's: it is read for every
 * request. client-node reads it once a minute, and would be refused until then where the token
 * before is no longer valid: after an outage, say, or when the server's keys were replaced.
 */
function withFreshToken(user: User): User {
  const tokenFile: unknown = user.authProvider?.config?.tokenFile;
  if (typeof tokenFile !== 'string') return user;
  return {
    ...user,
    authProvider: undefined,
    // Synchronous: the kubelet keeps the file in memory.
    get token() {
      return readFileSync(tokenFile, 'utf8').trim();
    },
  };
}
