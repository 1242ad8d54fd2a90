/**
 * The mark: a last line in an executable by which the installer knows what it may replace and
 * remove. It travels with the file, so that there is no record beside it which could be left behind or
 * say something else.
 *
 *     # kube-ovn-node <name> <version> sha256:<digest of all that is before the line>
 *
 * What stands behind the sections of an ELF file is not loaded, and in a script it is a comment.
 */
import { createHash } from 'node:crypto';

/** What the mark of an executable says. */
export interface Mark {
  readonly name: string;
  /** As in package.json. */
  readonly version: string;
  /** SHA-256 of the bytes before the mark; hexadecimal. */
  readonly digest: string;
}

/** No mark is longer; bytes. */
export const MARK_BYTES_MAX = 512;

const MARK =
  /\n# kube-ovn-node (?<name>[\w.-]{1,64}) (?<version>\d{1,9}\.\d{1,9}\.\d{1,9}[\w.+-]{0,64}) sha256:(?<digest>[0-9a-f]{64})\n$/;

/** The line, with a newline on either side. */
export function markText({ name, version, digest }: Mark): string {
  return `\n# kube-ovn-node ${name} ${version} sha256:${digest}\n`;
}

/** The mark with which a file ends, and its length in bytes; undefined where it has none. */
export function parseMark(tail: Buffer): { mark: Mark; bytes: number } | undefined {
  const found = MARK.exec(tail.toString('latin1'));
  const { name, version, digest } = found?.groups ?? {};
  if (found === null || !name || !version || !digest) return undefined;
  return { mark: { name, version, digest }, bytes: found[0].length };
}

/** `content` with its mark; one that it has already is replaced. */
export function withMark(content: Buffer, name: string, version: string): Buffer {
  const old = parseMark(content.subarray(-MARK_BYTES_MAX));
  const body = content.subarray(0, content.length - (old?.bytes ?? 0));
  const digest = createHash('sha256').update(body).digest('hex');
  const text = markText({ name, version, digest });
  if (parseMark(Buffer.from(text)) === undefined) {
    throw new Error(`no mark can be made of the name ${name} and the version ${version}`);
  }
  return Buffer.concat([body, Buffer.from(text)]);
}

/**
 * Below 0 where `a` is the older version, above 0 where it is the newer one (semver.org, section 11,
 * but for the parts of a pre-release, which are compared as text; what is behind `+` does not count).
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionParts(a), versionParts(b)];
  for (const [index, number] of left.numbers.entries()) {
    const difference = number - (right.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (left.preRelease === right.preRelease) return 0;
  if (left.preRelease === '') return 1;
  if (right.preRelease === '') return -1;
  return left.preRelease < right.preRelease ? -1 : 1;
}

function versionParts(version: string): { numbers: number[]; preRelease: string } {
  const [plain = ''] = version.split('+');
  const [core = '', ...rest] = plain.split('-');
  return { numbers: core.split('.').map(Number), preRelease: rest.join('-') };
}
