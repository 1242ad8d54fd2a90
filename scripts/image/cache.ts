/** Where images and what builds them are kept: outside the checkout, and only ours. */
import { lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Type of overlayfs (`OVERLAYFS_SUPER_MAGIC`, linux/magic.h), on which no other can be. */
const OVERLAYFS = 0x794c7630;

/** Of the start: a build changes TMPDIR for its engine. */
const DEFAULT = join(tmpdir(), `kube-ovn-image-${process.getuid?.() ?? 0}`);

/** @throws Error where somebody else has made a folder of that name */
export function cacheFolder(): string {
  const uid = process.getuid?.() ?? 0;
  const folder = process.env.KUBE_OVN_IMAGE_CACHE ?? DEFAULT;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const facts = lstatSync(folder);
  if (facts.isDirectory() && facts.uid === uid) return folder;
  throw new Error(`${folder} is not this user's: name another one in KUBE_OVN_IMAGE_CACHE`);
}

/** Where `npm run image` leaves an image, unless told otherwise. */
export function archiveOf(target: string, architecture: string): string {
  return join(cacheFolder(), `${target}-${architecture}.oci.tar`);
}

/** The driver of buildah's storage that works in a folder. */
export function storageDriver(folder: string): 'overlay' | 'vfs' {
  return statfsSync(folder).type === OVERLAYFS ? 'vfs' : 'overlay';
}
