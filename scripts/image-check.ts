/**
 * npm run image:check: runs an image that `npm run image` has built, with every command of Kube-OVN's
 * two charts in both modes and of deploy/, as a kubelet would: their arguments, variables, mounts,
 * capabilities, users, seccomp, read-only root. A containerd of its own, OVS, OVN and an API server
 * double with the charts' roles are all in private namespaces.
 *
 *   npm run image:check -- [--image=FILE]
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
import { checkPods } from './image-check/run.ts';

const TOOLS = ['containerd', 'runc'];
const EMULATOR = ['qemu-user-static'];
const OWN_ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

const { values: given } = parseArgs({
  options: { image: { type: 'string', default: archiveOf('agent', OWN_ARCHITECTURE) } },
});
if (!existsSync(given.image)) {
  console.error(`there is no ${given.image}: run "npm run image" first`);
  process.exit(1);
}
const { architecture } = readArchive(given.image).config;
const isForeign = architecture !== OWN_ARCHITECTURE;
goIntoOverlays(isForeign ? EMULATOR : TOOLS);
if (!isInside()) process.exit(runSelfInside().status ?? 1);

const outcomes = new Outcomes();
const folder = mkdtempSync(join(tmpdir(), 'kube-ovn-image-check-'));
try {
  await checkContents(given.image, outcomes);
  if (isForeign) await checkEmulated(given.image, architecture, folder, outcomes);
  else await checkPods(given.image, folder, outcomes);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(outcomes.end());
