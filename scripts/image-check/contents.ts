/** What an image is, without running it: size, entry point, labels, time. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { epochOf, readLock } from '../image/lock-file.ts';
import { readArchive } from '../image/oci-archive.ts';
import { type PackageFile, SOURCE_LABEL, sourceOf } from '../image/source-label.ts';
import type { Outcomes } from './outcomes.ts';
import { compareWithDocument, groupSizes } from './sizes.ts';

/** Of agent and controller together, which are one image. */
const UNPACKED_BYTES_MAX = 360e6;

const PACKAGE = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as PackageFile;

const LABELS = ['title', 'description', 'version', 'revision', 'licenses'];

export async function checkContents(archive: string, outcomes: Outcomes): Promise<void> {
  const { digest, layers, config, archiveBytes, files, links } = readArchive(archive);
  console.log(`digest ${digest}`);
  await outcomes.check(`it has at most ${UNPACKED_BYTES_MAX / 1e6} MB`, async () => {
    const sizes = layers.map(({ unpackedBytes }) => (unpackedBytes / 1e6).toFixed(1));
    const total = layers.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0);
    if (total > UNPACKED_BYTES_MAX) throw new Error(`${total} bytes, of layers ${sizes}`);
    return `${(total / 1e6).toFixed(1)} MB unpacked, layers ${sizes.join(' + ')}; ${(archiveBytes / 1e6).toFixed(1)} MB to transfer`;
  });
  // The document's table is that of amd64's agent.
  const isAgent = config.config.Labels?.['org.opencontainers.image.title'] === 'kube-ovn-node';
  if (config.architecture === 'amd64' && isAgent) {
    await outcomes.check('docs/image.md says what its bytes are spent on', async () => {
      compareWithDocument(groupSizes(files));
      return undefined;
    });
  }
  await outcomes.check('its entry point runs its arguments', async () => {
    const { Entrypoint = [] } = config.config;
    if (Entrypoint.join(' ') !== 'dumb-init --') throw new Error(`it is ${Entrypoint}`);
    return Entrypoint.join(' ');
  });
  await outcomes.check('it says what it is by labels', async () => {
    const { Labels = {} } = config.config;
    const missing = LABELS.filter((name) => !Labels[`org.opencontainers.image.${name}`]);
    if (missing.length > 0) throw new Error(`no ${missing.join(', ')}`);
    const source = sourceOf(PACKAGE);
    if (Labels[SOURCE_LABEL] !== source) {
      throw new Error(`${SOURCE_LABEL} is ${Labels[SOURCE_LABEL]}, expected ${source}`);
    }
    const { version } = PACKAGE;
    return `${version}, ${source ?? 'of no source: package.json names no repository'}`;
  });
  // The folder of some packages is a link to that of another package of the same source.
  await outcomes.check('each of its Debian packages has its licence', async () => {
    const paths = new Set(files.map(({ path }) => path));
    const listed = [...paths].flatMap(
      (path) => /^var\/lib\/dpkg\/status\.d\/(.+)$/.exec(path)?.[1] ?? [],
    );
    const without = listed.filter((name) => {
      const folder = links.get(`usr/share/doc/${name}`) ?? name;
      return !paths.has(`usr/share/doc/${folder}/copyright`);
    });
    if (listed.length === 0 || without.length > 0) throw new Error(`none of ${without.join(', ')}`);
    return `${listed.length} packages`;
  });
  await outcomes.check('it was made at the time of its packages, not of its build', async () => {
    const expected = epochOf(readLock().snapshot) * 1000;
    if (Date.parse(config.created ?? '') !== expected) throw new Error(`at ${config.created}`);
    return config.created;
  });
}
