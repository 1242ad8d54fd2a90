/**
 * What deploy/ renders is what Kubernetes and the Prometheus operator take: by their schemas
 * (packages kubernetes-models and @kubernetes-models/prometheus-operator, made of the OpenAPI
 * document and of the CustomResourceDefinitions), and without fields that these do not have, which
 * a server would drop, or refuse with `kubectl apply --validate=strict`.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { INSTALLATIONS, type Manifest, ROOT, rendered, whyNotRendered } from './rendered.ts';

type Models = Readonly<Record<string, new (data: object) => { validate(): void }>>;

const OPERATOR = 'monitoring.coreos.com/v1';

/** The module with the models of an API group and version. */
function moduleOf(apiVersion: string): string {
  return apiVersion === OPERATOR
    ? `@kubernetes-models/prometheus-operator/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;
}

function titleOf({ apiVersion, kind, metadata }: Manifest): string {
  return `${apiVersion} ${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

/** Messages of the compiler for objects whose types are those of their kinds. */
async function complaints(objects: readonly Manifest[]): Promise<string[]> {
  // Beneath node_modules, where the packages are found and nobody else looks.
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'deploy-'));
  try {
    const lines = objects.flatMap((object, index) => [
      `import type { I${object.kind} as K${index} } from '${moduleOf(object.apiVersion)}';`,
      `export const o${index}: K${index} = ${JSON.stringify(object)}; // ${titleOf(object)}`,
    ]);
    const file = join(folder, 'objects.ts');
    await writeFile(file, lines.join('\n'));
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck'];
    const compiler = [
      join(ROOT, 'node_modules/.bin/tsc'),
      ...options,
      '--module',
      'nodenext',
      file,
    ];
    return await promisify(execFile)(process.execPath, compiler).then(
      () => [],
      ({ stdout }: { stdout: string }) => stdout.split('\n').filter((line) => line !== ''),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

const COMPILE_WITHIN_MS = 120_000;

describe.skipIf(whyNotRendered)('what deploy/ renders', () => {
  it.each([...INSTALLATIONS, 'uninstall', 'uninstall-ovn'])(
    '%s: each object is right by its schema',
    async (folder) => {
      for (const object of rendered(folder)) {
        const models = (await import(moduleOf(object.apiVersion))) as Models;
        const Model = models[object.kind];
        expect(Model, titleOf(object)).toBeDefined();
        expect(() => Model && new Model(object).validate(), titleOf(object)).not.toThrow();
      }
    },
  );

  it('has no field that its kind does not have', { timeout: COMPILE_WITHIN_MS }, async () => {
    const all = [...INSTALLATIONS, 'uninstall', 'uninstall-ovn'].flatMap((folder) =>
      rendered(folder),
    );
    const different = new Map(all.map((object) => [JSON.stringify(object), object]));
    expect(await complaints([...different.values()])).toEqual([]);
  });

  it.each([
    ['a misspelt field', { spec: { replica: 1 } }, '\'"replica"\' does not exist'],
    ['a wrong type', { spec: { replicas: '1' } }, "'string' is not assignable to type 'number'"],
  ])('is found to have %s', { timeout: COMPILE_WITHIN_MS }, async (_, change, message) => {
    const template = { spec: { containers: [] } };
    const { spec } = change;
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' } };
    const wrong = { ...object, spec: { selector: {}, template, ...spec } };
    expect((await complaints([wrong as unknown as Manifest])).join('\n')).toContain(message);
  });

  it.each(INSTALLATIONS)('%s: each object is there once', (folder) => {
    const titles = rendered(folder).map(titleOf);
    expect(titles).toEqual([...new Set(titles)]);
  });

  it.each(INSTALLATIONS)(
    '%s: definitions come before objects, and all is in one namespace',
    (folder) => {
      const objects = rendered(folder);
      const namespaces = objects.flatMap(({ metadata }) => metadata.namespace ?? []);
      expect(new Set(namespaces)).toEqual(new Set(['kube-system']));
      const kinds = objects.map(({ kind }) => kind);
      expect(kinds.lastIndexOf('CustomResourceDefinition')).toBeLessThan(
        kinds.indexOf('Deployment'),
      );
    },
  );
});
