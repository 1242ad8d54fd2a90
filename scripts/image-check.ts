/**
 * npm run image:check: runs an image that `npm run image` has built, with every command of Kube-OVN's
 * two charts in both modes and of deploy/, as a kubelet would: their arguments, variables, mounts,
 * capabilities, users, seccomp, read-only root. A containerd of its own, OVS, OVN and an API server
 * fake with the charts' roles are all in private namespaces.
 *
 *   npm run image:check -- [--target=agent|ovn] [--image=FILE]
 *
 * An image of another processor is run under qemu, program by program: emulated.ts.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isInside, runSelfInside } from '../test/lab/namespaces.ts';
import { archiveOf } from './image/cache.ts';
import { readArchive } from './image/oci-archive.ts';
import { goIntoOverlays } from './image/own-tools.ts';
import { checkContents } from './image-check/contents.ts';
import { checkEmulated } from './image-check/emulated.ts';
import { Outcomes } from './image-check/outcomes.ts';
import { checkOvn } from './image-check/ovn.ts';
import { checkPods } from './image-check/run.ts';

const TOOLS = ['containerd', 'runc'];
const EMULATOR = ['qemu-user-static'];
/** The label by which the image of the component ovn says what it is. */
const OVN_TITLE = 'kube-ovn-node-ovn';
const OWN_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

const { values: given } = parseArgs({
  options: { target: { type: 'string', default: 'agent' }, image: { type: 'string' } },
});
const image = given.image ?? archiveOf(given.target, OWN_ARCHITECTURE);
if (!existsSync(image)) {
  console.error(`there is no ${image}: run "npm run image -- --target=${given.target}" first`);
  process.exit(1);
}
const { architecture, config } = readArchive(image).config;
const isOvn = config.Labels?.['org.opencontainers.image.title'] === OVN_TITLE;
const isForeign = architecture !== OWN_ARCHITECTURE;
goIntoOverlays(isForeign ? EMULATOR : TOOLS);
if (!isInside()) process.exit(runSelfInside().status ?? 1);

const outcomes = new Outcomes();
const folder = mkdtempSync(join(tmpdir(), 'kube-ovn-image-check-'));
try {
  await checkContents(image, outcomes);
  if (isForeign) await checkEmulated({ archive: image, architecture, isOvn }, folder, outcomes);
  else if (isOvn) await checkOvn(image, folder, outcomes);
  else await checkPods(image, folder, outcomes);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(outcomes.end());
