/**
 * Key and certificate of the API server double: one pair per process, made when it is first asked
 * for. The certificate is its own CA, as clients get one by kubeconfig or with a service account.
 */
import { spawnSync } from 'node:child_process';

export interface Identity {
  /** PEM. */
  readonly key: string;
  /** PEM; also what clients are to trust. */
  readonly certificate: string;
}

const OPENSSL = [
  ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
  ...['-keyout', '-', '-out', '-', '-subj', '/CN=kube-apiserver', '-days', '2'],
  ...['-addext', 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost'],
];

let made: Identity | undefined;

/** The pair of this process. @throws Error where openssl cannot make it */
export function identity(): Identity {
  made ??= make();
  return made;
}

function make(): Identity {
  // Synchronous: it takes 10 ms, once, and a constructor needs it.
  const { status, stdout, stderr, error } = spawnSync('openssl', OPENSSL, { encoding: 'utf8' });
  if (error !== undefined) throw new Error('openssl cannot be run', { cause: error });
  if (status !== 0) throw new Error(`openssl ended with ${status}: ${stderr}`);
  const [key] = /-----BEGIN PRIVATE KEY-----[\s\S]*-----END PRIVATE KEY-----\n/.exec(stdout) ?? [];
  const [certificate] =
    /-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\n/.exec(stdout) ?? [];
  if (key === undefined || certificate === undefined) {
    throw new Error(`openssl made no key or no certificate: ${stderr}`);
  }
  return { key, certificate };
}
