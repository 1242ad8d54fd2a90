/**
 * Self-signed certificates for a server whose callers check no name: the kubelet's probes and
 * Prometheus with `insecureSkipVerify`. One with an elliptic curve and one with RSA, since suites of TLS
 * 1.2 want the one or the other.
 *
 * Written out as X.509 says (RFC 5280, section 4.1), since node makes no certificates and libraries
 * that do bring twenty packages for these sixty lines.
 */
import {
  generateKeyPair,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { addressBytes, parseAddress } from '../address.ts';

/**
 * Keys and certificates as node:tls takes them: one pair of an elliptic curve (P-256) and one of RSA (2048
 * bits).
 */
export interface SelfSigned {
  /** PEM, one for each of `cert`. */
  readonly key: string[];
  /** PEM. */
  readonly cert: string[];
}

/** What the certificates say: subject, alternative names, and the time for which they are valid. */
export interface SelfSignedOptions {
  readonly commonName: string;
  /** Names and addresses that the server has. */
  readonly hosts: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const generate = promisify(generateKeyPair);

/** Tags of ASN.1 (X.690, section 8). */
const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
const context = (number: number) => 0xa0 + number;

/** Object identifiers, encoded. */
const OID = {
  ecdsaWithSha256: '06082a8648ce3d040302',
  rsaWithSha256: '06092a864886f70d01010b',
  commonName: '0603550403',
  subjectAltName: '0603551d11',
  extendedKeyUsage: '0603551d25',
  serverAuth: '06082b06010505070301',
} as const;

/**
 * Makes two new keys, and a certificate of each that is signed by itself. Node works out the keys in threads
 * of its own, so that the event loop goes on.
 */
export async function makeSelfSigned(options: SelfSignedOptions): Promise<SelfSigned> {
  const pairs = await Promise.all([
    generate('ec', { namedCurve: 'prime256v1' }),
    generate('rsa', { modulusLength: 2048 }),
  ]);
  return {
    key: pairs.map(({ privateKey }) => pem(privateKey)),
    cert: pairs.map((pair) => selfSignedCertificate(pair, options)),
  };
}

/** The private key as PEM. */
export function pem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/**
 * The certificate of a key, signed by it.
 * @param pair an EC or an RSA key
 * @returns PEM
 */
export function selfSignedCertificate(
  { privateKey, publicKey }: KeyPairKeyObjectResult,
  { commonName, hosts, notBefore, notAfter }: SelfSignedOptions,
): string {
  const isRsa = privateKey.asymmetricKeyType === 'rsa';
  const algorithm = isRsa
    ? sequence(oid(OID.rsaWithSha256), der(Tag.null))
    : sequence(oid(OID.ecdsaWithSha256));
  const name = sequence(
    der(Tag.set, sequence(oid(OID.commonName), der(Tag.utf8String, Buffer.from(commonName)))),
  );
  const contents = sequence(
    der(context(0), der(Tag.integer, Buffer.of(2))),
    der(Tag.integer, serialNumber()),
    algorithm,
    name,
    sequence(time(notBefore), time(notAfter)),
    name,
    publicKey.export({ format: 'der', type: 'spki' }),
    der(context(3), sequence(usage(), alternativeNames(hosts))),
  );
  const signature = der(Tag.bitString, Buffer.of(0), sign('sha256', contents, privateKey));
  const base64 = sequence(contents, algorithm, signature).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function usage(): Buffer {
  const value = sequence(oid(OID.serverAuth));
  return sequence(oid(OID.extendedKeyUsage), der(Tag.octetString, value));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  // GeneralName: [2] is a name of DNS, [7] an address.
  const names = hosts.map((host) => {
    const address = isIP(host) === 0 ? undefined : parseAddress(host);
    return address === undefined ? der(0x82, Buffer.from(host)) : der(0x87, addressBytes(address));
  });
  return sequence(oid(OID.subjectAltName), der(Tag.octetString, sequence(...names)));
}

/** Positive, and with 126 bits of chance. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '');
  return der(Tag.generalizedTime, Buffer.from(digits));
}

function oid(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(Tag.sequence, ...parts);
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), length(content.length), content]);
}

/** X.690, section 8.1.3. */
function length(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.of(bytes);
  return bytes < 0x100 ? Buffer.of(0x81, bytes) : Buffer.of(0x82, bytes >> 8, bytes & 0xff);
}
