/** docs/install.md, and the beginning of README: what they tell people to do can be done. */

import { execFileSync } from 'node:child_process';
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { messageOf } from '../../../src/common/text.ts';
import * as controller from '../../../src/controller/config/flags.ts';
import * as daemon from '../../../src/daemon/flags.ts';
import { DISTRIBUTIONS, USUAL } from '../../../src/installer/distributions.ts';
import { FLAGS as INSTALLER } from '../../../src/installer/flags.ts';
import { checkConfig, decodeConfig } from '../../../src/plugin/network-config.ts';
import { blocksOf, commandsOf, ROOT, textOf, wordsOf } from '../../unit/docs/commands.ts';
import { type Manifest, templateOf, whyNotRendered } from '../deploy/rendered.ts';

const PAGE = 'docs/install.md';
const BOTH = ['README.md', PAGE];

/** Of everything in crds/ and deploy/ that is an object, as it is written there. */
const objects: readonly Manifest[] = globSync(['crds/*.yaml', 'deploy/**/*.yaml'], { cwd: ROOT })
  .filter((file) => basename(file) !== 'kustomization.yaml')
  .flatMap((file) => loadAll(readFileSync(join(ROOT, file), 'utf8')) as Manifest[])
  // Patches are lists of operations.
  .filter(({ kind }) => kind !== undefined);

const commands = BOTH.flatMap((page) => wordsOf(page)).filter((words) =>
  /^(kubectl|helm|oc|curl|npm|ctr) /.test(words),
);
const kubectl = commands.filter((words) => words.startsWith('kubectl '));

const scratch = mkdtempSync(join(tmpdir(), 'install-page-'));
symlinkSync(ROOT, join(scratch, 'kube-ovn-node'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** What kubectl makes of a kustomization in a folder beside the clone. */
function render(name: string, kustomization: string): Manifest[] {
  const folder = join(scratch, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'kustomization.yaml'), kustomization);
  const options = { encoding: 'utf8', maxBuffer: 2 ** 24 } as const;
  return loadAll(execFileSync('kubectl', ['kustomize', folder], options)) as Manifest[];
}

/** The node's folders that a DaemonSet mounts, by the names of its volumes. */
function hostPaths(all: readonly Manifest[], name: string): Record<string, string> {
  const manifest = all.find(({ kind, metadata }) => kind === 'DaemonSet' && metadata.name === name);
  const volumes = (manifest && templateOf(manifest)?.spec.volumes) ?? [];
  return Object.fromEntries(volumes.map(({ name, hostPath }) => [name, hostPath?.path ?? '']));
}

describe('commands for kubectl', () => {
  it('there are many, in both pages', () => {
    expect(kubectl.length).toBeGreaterThan(20);
    expect(commandsOf('README.md', 'kubectl').length).toBeGreaterThan(5);
  });

  it('name workloads and containers that deploy/ has', () => {
    for (const words of kubectl) {
      const [, kind = '', name = ''] =
        /\b(daemonset|deployment|cronjob)\/([\w-]+)/.exec(words) ?? [];
      if (kind === '') continue;
      const found = objects.filter(
        (one) => one.kind.toLowerCase() === kind && one.metadata.name === name,
      );
      expect(found, words).not.toEqual([]);
      const [, container] = / -c ([\w-]+)/.exec(words) ?? [];
      const spec = found.flatMap((one) => templateOf(one)?.spec ?? []);
      const containers = spec.flatMap(({ containers = [], initContainers = [] }) =>
        [...containers, ...initContainers].map((one) => one.name),
      );
      if (container !== undefined) expect(containers, words).toContain(container);
    }
  });

  it('wait for rollouts of those workloads alone whose strategy has one', () => {
    for (const words of kubectl.filter((line) => line.includes(' rollout status '))) {
      const [, name = ''] = / (?:daemonset|deployment)\/([\w-]+)/.exec(words) ?? [];
      const found = objects.filter((one) => one.metadata.name === name && one.spec?.template);
      expect(JSON.stringify(found), words).not.toContain('"type":"OnDelete"');
    }
  });

  it('select pods by labels that deploy/ gives them', () => {
    const selectors = kubectl.flatMap((words) => / -l (\w+)=([\w-]+)/.exec(words)?.slice(1) ?? []);
    expect(selectors.length).toBeGreaterThan(0);
    const labels = objects.map((one) => templateOf(one)?.metadata?.labels?.app);
    for (const [index, value] of selectors.entries()) {
      if (index % 2 === 1) expect(labels).toContain(value);
    }
  });

  it('name kinds that crds/ has', () => {
    const plurals = objects
      .filter(({ kind }) => kind === 'CustomResourceDefinition')
      .map(({ metadata }) => metadata.name.replace('.kubeovn.io', ''));
    const lists = kubectl.flatMap(
      (words) => /^kubectl (?:get|delete) ([a-z-]+(?:,[a-z-]+)+)/.exec(words)?.[1] ?? [],
    );
    expect(lists.length).toBeGreaterThan(1);
    for (const list of lists) expect(list.split(',').toSorted()).toEqual(plurals.toSorted());
  });

  it('apply folders that hold a kustomization', () => {
    const folders = kubectl.flatMap((words) => / -k ([\w/-]+)/.exec(words)?.[1] ?? []);
    expect(folders.length).toBeGreaterThan(5);
    for (const folder of folders) {
      expect(existsSync(join(ROOT, folder, 'kustomization.yaml')), folder).toBe(true);
    }
  });

  it('give the label by which the databases find their node, and the Secret that they read', () => {
    const deploy = JSON.stringify(objects);
    expect(deploy).toContain('"kube-ovn/role":"master"');
    expect(kubectl).toContain('kubectl label node NODE kube-ovn/role=master');
    expect(deploy).toContain('"secretName":"kube-ovn-tls"');
    expect(textOf(PAGE)).toContain('secret generic kube-ovn-tls');
    const common = readFileSync(join(ROOT, 'image/ovn/common.sh'), 'utf8');
    expect(common).toContain('for file in key cert cacert');
  });
});

describe('files in the image', () => {
  it.each(BOTH)('that %s names are there', (page) => {
    const files = [...textOf(page).matchAll(/(?<![\w-])\/kube-ovn\/([\w./-]*\w)/g)];
    const built = readFileSync(join(ROOT, 'scripts/build.ts'), 'utf8');
    for (const [path, file = ''] of files) {
      if (path.includes('/deploy/')) continue;
      const isThere = existsSync(join(ROOT, 'image', file)) || built.includes(`'${file}'`);
      expect(isThere, path).toBe(true);
    }
  });
});

/** Flags of others that the page names. */
const OF_OTHERS = ['multus-conf-file', 'flannel-backend', 'disable-network-policy', 'help'];

describe('flags', () => {
  const known = [
    ...[daemon.FLAGS, controller.USED, INSTALLER.install, INSTALLER.uninstall].flatMap((table) =>
      Object.keys(table),
    ),
    ...daemon.IGNORED_FLAGS,
    ...controller.IGNORED_FLAGS,
    ...OF_OTHERS,
  ];

  it.each(BOTH)('that %s names outside of other commands are those of a program', (page) => {
    const spans = wordsOf(page).filter((words) => /^--\w/.test(words));
    const flags = spans.flatMap((span) =>
      [...span.matchAll(/--([\w-]+)/g)].map(([, name]) => name),
    );
    for (const flag of flags) expect(known).toContain(flag);
  });

  it.each([
    ['docs/install.md', 'daemon', /makes it end at its start[^:]*:(.*?)\. At/s],
    ['docs/daemon.md', 'daemon', /ends it, with what to set:(.*?)Others without effect/s],
    ['docs/controller.md', 'controller', /is refused by name \((.*?)\)/s],
  ] as const)(
    'that are refused are all in the list of %s, and no others',
    (page, program, list) => {
      const { IGNORED_FLAGS, parseFlags } = program === 'daemon' ? daemon : controller;
      const isRefused = (word: string) => {
        try {
          parseFlags([word], {});
          return false;
        } catch (error) {
          // A value that no program knows is another matter.
          return messageOf(error).includes('does not have');
        }
      };
      const refused = IGNORED_FLAGS.filter((flag) => isRefused(`--${flag}=1`));
      const [, text = ''] = list.exec(textOf(page)) ?? [];
      const named = [...text.matchAll(/`--([\w-]+)`/g)].map(([, name]) => name);
      expect(named.toSorted()).toEqual(refused.toSorted());
    },
  );

  it('of npm run image are known to it', () => {
    const script = readFileSync(join(ROOT, 'scripts/image.ts'), 'utf8');
    const given = commandsOf(PAGE, 'npm').flatMap((words) => [...words.matchAll(/--([\w-]+)=/g)]);
    expect(given.length).toBeGreaterThan(1);
    for (const [, name] of given) expect(script).toContain(`${name}: { type: 'string'`);
  });

  it('and variables of the installer for its folders are its own', () => {
    const variables = Object.values(INSTALLER.install).map(({ variable }) => variable);
    for (const name of ['KUBERNETES_DISTRIBUTION', 'CNI_BIN_DIR', 'NON_PRIMARY_CNI_MODE']) {
      expect(textOf(PAGE)).toContain(`\`${name}\``);
      expect(variables).toContain(name);
    }
  });

  it('have the ports that the page says', () => {
    expect(textOf(PAGE)).toContain(`| ${daemon.FLAGS['pprof-port']}/tcp | daemon`);
    expect(textOf(PAGE)).toContain(`| ${controller.USED['pprof-port']}/tcp | controller`);
  });
});

describe('distributions', () => {
  const [, section = ''] = textOf(PAGE).split('## On which distribution\n');
  const rows = section
    .split('\n')
    .filter((line) => /^\| .* \| .* \| `\/.*` \| `\/.*` \|$/.test(line))
    .map((line) => line.replaceAll('`', '').split(' | '));

  it('the table has those that the installer knows, with their folders', () => {
    const table = rows.map(([names = '', , binDir = '', confDir = '']) => {
      const name = names.replace(/^\| (kubeadm, )?/, '').replace(/,.*$/, '');
      return [name.toLowerCase(), { binDir, confDir: confDir.replace(/ \|$/, '') }];
    });
    const { kubernetes: _, ...others } = DISTRIBUTIONS;
    expect(Object.fromEntries(table)).toEqual(others);
  });

  it
    .skipIf(whyNotRendered)
    .each(Object.entries(DISTRIBUTIONS).filter(([, folders]) => folders !== USUAL))(
    'the component %s mounts them, for installing and uninstalling',
    (name, folders) => {
      const over = (folder: string) =>
        render(
          'distribution',
          `resources: [../kube-ovn-node/deploy/${folder}]\ncomponents: [../kube-ovn-node/deploy/components/${name}]\n`,
        );
      const installed = over('overlays/non-primary');
      expect(hostPaths(installed, 'kube-ovn-cni')['cni-bin']).toBe(folders.binDir);
      expect(JSON.stringify(installed)).toContain(`"--cni-conf-dir=${folders.confDir}"`);
      expect(hostPaths(over('uninstall'), 'kube-ovn-uninstall')).toMatchObject({
        'cni-bin': folders.binDir,
        'cni-conf': folders.confDir,
      });
    },
  );
});

describe.skipIf(whyNotRendered)('YAML of the page', () => {
  const blocks = blocksOf(PAGE, 'yaml');

  it('that is a kustomization can be rendered beside the clone', () => {
    const kustomizations = blocks.filter((block) => block.includes('kind: Kustomization'));
    expect(kustomizations.length).toBeGreaterThan(1);
    const all = kustomizations.map((block) => render('mine', block));
    for (const objects of all) {
      expect(hostPaths(objects, 'kube-ovn-cni')['cni-bin']).toBe(DISTRIBUTIONS.k3s?.binDir);
    }
    expect(all.map((objects) => hostPaths(objects, 'kube-ovn-cni')['cni-conf'])).toEqual([
      undefined,
      DISTRIBUTIONS.k3s?.confDir,
    ]);
  });

  it('has a network whose configuration the executable takes, of the Subnet and the pod beside it', () => {
    const [block = ''] = blocks.filter((one) => one.includes('kind: NetworkAttachmentDefinition'));
    const [nad, subnet, pod] = loadAll(block) as [Nad, Manifest & Nad, Manifest & Annotated];
    const { top } = decodeConfig(nad.spec.config);
    const { name, namespace } = nad.metadata;
    const provider = `${name}.${namespace}.ovn`;
    expect(checkConfig(top, 'ADD', 'net1')).toMatchObject({ request: { provider } });
    expect(subnet.spec).toMatchObject({ provider });
    expect(pod.metadata.annotations).toEqual({
      'k8s.v1.cni.cncf.io/networks': `${namespace}/${name}`,
    });
  });
});

interface Nad {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly config: string };
}

interface Annotated {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
}
