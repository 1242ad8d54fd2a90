/**
 * Key and certificate of the fake API server: one pair per process, made when it is first asked
 * for. The certificate is its own CA, as clients get one by kubeconfig or with a service account.
 */
import { generateKeyPairSync } from 'node:crypto';
import { pem, selfSignedCertificate } from '../../../src/common/http/self-signed.ts';

export interface Identity {
  /** PEM. */
  readonly key: string;
  /** PEM; also what clients are to trust. */
  readonly certificate: string;
}

const HOSTS = ['127.0.0.1', '::1', 'localhost'];
const DAY_MS = 24 * 60 * 60 * 1000;

let made: Identity | undefined;

/** The pair of this process. */
export function identity(): Identity {
  made ??= make();
  return made;
}

function make(): Identity {
  // Synchronous, since a constructor needs it: an elliptic curve takes less than a millisecond.
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const [notBefore, notAfter] = [-DAY_MS, DAY_MS].map((ms) => new Date(Date.now() + ms)) as [
    Date,
    Date,
  ];
  const options = { commonName: 'kube-apiserver', hosts: HOSTS, notBefore, notAfter };
  return { key: pem(pair.privateKey), certificate: selfSignedCertificate(pair, options) };
}
