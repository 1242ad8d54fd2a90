/**
 * Versions and cipher suites of TLS as Go programs name them, in the words of node:tls.
 */
import { getCiphers, type SecureContextOptions, type SecureVersion } from 'node:tls';
import { wrongValue } from '../flags/go-flags.ts';

/** What Kube-OVN's flags `--tls-*` say, as options of node:tls; without `ciphers`, Node's own list is taken. */
export type TlsSettings = Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'>;

const VERSIONS: Readonly<Record<string, SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};
const OLDEST_BY_DEFAULT: SecureVersion = 'TLSv1.2';
/**
 * Go's list is longer than node's own list of suites; more than that is no list of suites.
 */
const SUITES_MAX = 64;

/**
 * @param flags.minVersion `TLS10` to `TLS13`, or empty
 * @param flags.cipherSuites names of IANA, as Go has them: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`
 * @throws Error that names the flag and what it may be
 */
export function readTlsSettings(flags: {
  readonly minVersion: string;
  readonly maxVersion: string;
  readonly cipherSuites: readonly string[];
}): TlsSettings {
  const minVersion = version('tls-min-version', flags.minVersion) ?? OLDEST_BY_DEFAULT;
  const maxVersion = version('tls-max-version', flags.maxVersion) ?? 'TLSv1.3';
  if (minVersion > maxVersion) {
    const expected = `no older than --tls-min-version (${flags.minVersion || 'TLS12'})`;
    throw wrongValue('--tls-max-version', flags.maxVersion, expected);
  }
  if (flags.cipherSuites.length > SUITES_MAX) {
    throw new Error(`--tls-cipher-suites: expected at most ${SUITES_MAX} suites`);
  }
  const ciphers = flags.cipherSuites.map(cipher);
  // OpenSSL refuses the old versions at its default level of security.
  const level = minVersion < OLDEST_BY_DEFAULT ? ['@SECLEVEL=0'] : [];
  const list =
    ciphers.length === 0 && level.length > 0 ? ['DEFAULT', ...level] : [...ciphers, ...level];
  return { minVersion, maxVersion, ...(list.length === 0 ? {} : { ciphers: list.join(':') }) };
}

function version(flag: string, text: string): SecureVersion | undefined {
  if (text === '') return undefined;
  const found = VERSIONS[text.replace(/^(VersionTLS|TLS)/, 'TLS')];
  if (found !== undefined) return found;
  throw wrongValue(`--${flag}`, text, Object.keys(VERSIONS).join(', '));
}

/** @returns OpenSSL's name */
function cipher(text: string): string {
  const name = opensslName(text.trim());
  if (getCiphers().includes(name.toLowerCase())) return name;
  throw wrongValue('--tls-cipher-suites', text, "names of Go's package crypto/tls");
}

function opensslName(suite: string): string {
  // Suites of TLS 1.3 have one name: TLS_AES_128_GCM_SHA256.
  const [, exchange, cipherAndHash = ''] = /^TLS_(.+)_WITH_(.+)$/.exec(suite) ?? [];
  if (exchange === undefined) return suite;
  const name = cipherAndHash
    .replace(/^CHACHA20_POLY1305.*$/, 'CHACHA20-POLY1305')
    .replace(/AES_(128|256)_CBC/, 'AES$1')
    .replace(/AES_(128|256)_/, 'AES$1-')
    .replace('3DES_EDE_CBC', 'DES-CBC3')
    .replaceAll('_', '-');
  return exchange === 'RSA' ? name : `${exchange.replaceAll('_', '-')}-${name}`;
}
