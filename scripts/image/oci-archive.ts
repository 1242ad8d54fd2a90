/**
 * Reads an OCI archive (image-spec, "image layout"): its digest, and how large its layers are. What is
 * in it is followed by digests from index.json.
 */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export interface ArchiveFacts {
  /** Of the manifest. */
  readonly digest: string;
  readonly layers: readonly { readonly bytes: number; readonly unpackedBytes: number }[];
  readonly archiveBytes: number;
  /** Regular files of all layers. */
  readonly files: readonly ArchivedFile[];
  /** Symbolic links of all layers, by path, without a leading slash: to where they point. */
  readonly links: ReadonlyMap<string, string>;
  readonly config: ImageConfig;
}

export interface ArchivedFile {
  /** Without a leading slash. */
  readonly path: string;
  readonly bytes: number;
}

/** image-spec, "image configuration": what we look at. */
export interface ImageConfig {
  readonly architecture: string;
  readonly created?: string;
  readonly config: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly Labels?: Readonly<Record<string, string>>;
  };
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

const BLOB_BYTES_MAX = 1024 * 1024 * 1024;
const LIST_BYTES_MAX = 16 * 1024 * 1024;

export function readArchive(archive: string): ArchiveFacts {
  const index = JSON.parse(entry(archive, 'index.json').toString()) as { manifests: Descriptor[] };
  const [only] = index.manifests;
  if (only === undefined || index.manifests.length > 1) {
    throw new Error(`${archive} has ${index.manifests.length} images, expected one`);
  }
  const manifest = JSON.parse(blob(archive, only.digest).toString()) as {
    config: Descriptor;
    layers: Descriptor[];
  };
  const contents = manifest.layers.map(({ digest }) => gunzipSync(blob(archive, digest)));
  const layers = manifest.layers.map(({ size }, index) => ({
    bytes: size,
    unpackedBytes: contents[index]?.length ?? 0,
  }));
  const lines = contents.flatMap(linesOf);
  const files = lines.flatMap(fileOf);
  const links = new Map(lines.flatMap(linkOf));
  const config = JSON.parse(blob(archive, manifest.config.digest).toString()) as ImageConfig;
  const archiveBytes = statSync(archive).size;
  return { digest: only.digest, layers, archiveBytes, files, links, config };
}

/** @param layer a tar archive. @returns what tar(1) lists of it, a line for each entry */
function linesOf(layer: Buffer): string[] {
  const options = { input: layer, encoding: 'utf8', maxBuffer: LIST_BYTES_MAX } as const;
  return execFileSync('tar', ['-tvf', '-', '--numeric-owner'], options).split('\n');
}

function fileOf(line: string): ArchivedFile[] {
  const [, bytes, path] = /^-\S+ +\S+ +(\d+) \S+ \S+ (?:\.?\/)?(.*)$/.exec(line) ?? [];
  return path === undefined ? [] : [{ path, bytes: Number(bytes) }];
}

function linkOf(line: string): [string, string][] {
  const [, path, to] = /^l\S+ +\S+ +0 \S+ \S+ (?:\.?\/)?(.*) -> (.*)$/.exec(line) ?? [];
  return path === undefined || to === undefined ? [] : [[path, to]];
}

function blob(archive: string, digest: string): Buffer {
  return entry(archive, `blobs/${digest.replace(':', '/')}`);
}

/** Archives name their files with and without `./`. */
function entry(archive: string, name: string): Buffer {
  const options = { maxBuffer: BLOB_BYTES_MAX, stdio: ['ignore', 'pipe', 'ignore'] } as const;
  try {
    return execFileSync('tar', ['-xOf', archive, name], { ...options, stdio: [...options.stdio] });
  } catch {
    return execFileSync('tar', ['-xOf', archive, `./${name}`], { maxBuffer: BLOB_BYTES_MAX });
  }
}
