/** What all pods of deploy/ have in common: who installs them can rely on it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Container,
  containersOf,
  INSTALLATIONS,
  type Manifest,
  type PodSpec,
  ROOT,
  rendered,
  templateOf,
  whyNotRendered,
} from './rendered.ts';

/** A workload with its pod. */
interface Workload {
  readonly title: string;
  readonly manifest: Manifest;
  readonly pod: PodSpec;
  readonly labels: Readonly<Record<string, string>>;
}

function workloadsOf(objects: readonly Manifest[]): Workload[] {
  return objects.flatMap((manifest) => {
    const template = templateOf(manifest);
    if (template === undefined) return [];
    const { name } = manifest.metadata;
    const labels = template.metadata?.labels ?? {};
    return [{ title: `${manifest.kind} ${name}`, manifest, pod: template.spec, labels }];
  });
}

/** Each container of an installation, with its workload. */
function containers(folder: string): readonly (readonly [string, Container, Workload])[] {
  return workloadsOf(rendered(folder)).flatMap((workload) =>
    containersOf(workload.pod).map(
      (container) => [`${workload.title} ${container.name}`, container, workload] as const,
    ),
  );
}

function bytes(quantity = ''): number {
  const [, number = '', unit = ''] = /^(\d+)(Mi|Gi)$/.exec(quantity) ?? [];
  return Number(number) * (unit === 'Gi' ? 2 ** 30 : 2 ** 20);
}

/** A figure of the tables that say what was measured: the largest. */
function measured(figure: string): number {
  const texts = ['README.md', 'docs/bench.md'].map((file) =>
    readFileSync(join(ROOT, file), 'utf8'),
  );
  const rows = texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line.startsWith(`| ${figure} |`));
  return Math.max(...rows.map((row) => Number(row.split('|')[2])));
}

/** Where Kube-OVN is primary, the installer writes /proc/sys/net, which is read-only to all others. */
const PRIVILEGED: Readonly<Record<string, string>> = {
  'overlays/primary': 'DaemonSet kube-ovn-cni install-cni',
};

describe.skipIf(whyNotRendered).each(INSTALLATIONS)('%s', (folder) => {
  it('has an image of one version for each container, which a node may have already', () => {
    for (const [title, { image, imagePullPolicy }] of containers(folder)) {
      expect(image, title).toMatch(/^[\w./-]+:\d+\.\d+\.\d+$/);
      expect([title, imagePullPolicy]).toEqual([title, 'IfNotPresent']);
    }
  });

  it('starts only what the image has', () => {
    // The image has the programs that the build makes, also without .cjs, and what is in image/.
    const build = readFileSync(join(ROOT, 'scripts/build.ts'), 'utf8');
    for (const [title, { command = [] }] of containers(folder)) {
      const file = command.find((word) => word.startsWith('/kube-ovn/'));
      expect(file, title).toBeDefined();
      const name = (file ?? '').replace('/kube-ovn/', '');
      const isThere =
        build.includes(`produceProgram('${name}'`) || existsSync(join(ROOT, 'image', name));
      expect(isThere, `${title}: ${file}`).toBe(true);
    }
  });

  it('gives each ovsdb-server a folder for the unnamed file without which it does not start', () => {
    for (const [title, { command = [], volumeMounts = [] }] of containers(folder)) {
      if (!command.some((word) => /database\.sh$/.test(word))) continue;
      const mount = volumeMounts.find(({ mountPath }) => mountPath === '/tmp');
      expect(mount, title).toBeDefined();
      expect([title, mount?.readOnly]).toEqual([title, undefined]);
    }
  });

  it('lets no container be privileged, gain privileges or write to its image, but one for kernel settings', () => {
    for (const [title, { securityContext }] of containers(folder)) {
      const isPrivileged = PRIVILEGED[folder] === title;
      const { allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } =
        securityContext ?? {};
      expect([title, allowPrivilegeEscalation]).toEqual([title, isPrivileged]);
      expect([title, readOnlyRootFilesystem]).toEqual([title, true]);
      expect([title, capabilities?.drop]).toEqual([title, ['ALL']]);
      expect([title, securityContext?.privileged]).toEqual([title, isPrivileged || undefined]);
    }
  });

  it('has a seccomp profile, a priority and tolerations for each pod', () => {
    for (const { title, pod } of workloadsOf(rendered(folder))) {
      const { securityContext, priorityClassName, tolerations } = pod;
      expect([title, securityContext?.seccompProfile]).toEqual([title, { type: 'RuntimeDefault' }]);
      expect([title, priorityClassName]).toEqual([
        title,
        expect.stringMatching(/^system-(node|cluster)-critical$/),
      ]);
      expect([title, tolerations]).toEqual([title, [{ operator: 'Exists' }]]);
    }
  });

  it('asks for processor and memory, and limits memory alone', () => {
    for (const [title, { resources }] of containers(folder)) {
      expect([title, Object.keys(resources?.requests ?? {})]).toEqual([title, ['cpu', 'memory']]);
      expect([title, Object.keys(resources?.limits ?? {})]).toEqual([title, ['memory']]);
      const { requests, limits } = resources ?? {};
      expect(bytes(limits?.memory), title).toBeGreaterThanOrEqual(bytes(requests?.memory));
    }
  });

  it.each([
    ['kube-ovn-cni cni-server', 'memory of the daemon with 250 pods, MB'],
    [
      'kube-ovn-controller kube-ovn-controller',
      'memory of the controller with 10,000 pods and IPs, MB',
    ],
  ])(
    'gives %s the memory that was measured, and three times that before it is stopped',
    (name, figure) => {
      const found = containers(folder).find(([title]) => title.endsWith(` ${name}`));
      const { requests, limits } = found?.[1].resources ?? {};
      const need = measured(figure) * 1e6;
      expect(need).toBeGreaterThan(5e7);
      expect(bytes(requests?.memory)).toBeGreaterThanOrEqual(need);
      expect(bytes(limits?.memory)).toBeGreaterThanOrEqual(3 * need);
    },
  );

  it('mounts the volumes that a pod has, and has no others', () => {
    for (const { title, pod } of workloadsOf(rendered(folder))) {
      const mounted = containersOf(pod).flatMap(({ volumeMounts = [] }) =>
        volumeMounts.map(({ name }) => name),
      );
      const volumes = (pod.volumes ?? []).map(({ name }) => name);
      expect([title, volumes.toSorted()]).toEqual([title, [...new Set(mounted)].toSorted()]);
    }
  });

  it('selects the pods that it makes', () => {
    const workloads = workloadsOf(rendered(folder));
    for (const { title, manifest, labels } of workloads) {
      if (manifest.kind === 'CronJob') continue;
      expect([title, labels]).toEqual([
        title,
        expect.objectContaining(manifest.spec?.selector?.matchLabels ?? { none: '' }),
      ]);
    }
    const budgets = rendered(folder).filter(({ kind }) => kind === 'PodDisruptionBudget');
    expect(budgets.length).toBeGreaterThan(0);
    for (const { metadata, spec } of budgets) {
      const wanted = expect.objectContaining(spec?.selector?.matchLabels ?? {});
      expect(
        workloads.map(({ labels }) => labels),
        metadata.name,
      ).toContainEqual(wanted);
    }
  });

  it('gives an account to who asks the API server, and no token to anybody else', () => {
    const objects = rendered(folder);
    const accounts = objects.flatMap(({ kind, metadata }) =>
      kind === 'ServiceAccount' ? [metadata.name] : [],
    );
    for (const { title, pod } of workloadsOf(objects)) {
      const { serviceAccountName, automountServiceAccountToken } = pod;
      const isWithout = automountServiceAccountToken === false;
      expect([title, isWithout || accounts.includes(serviceAccountName ?? '')]).toEqual([
        title,
        true,
      ]);
    }
  });

  it('names ConfigMaps that are there, or that may be missing', () => {
    const objects = rendered(folder);
    for (const [title, { envFrom = [] }] of containers(folder)) {
      for (const { configMapRef } of envFrom) {
        const isThere = objects.some(
          ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapRef.name,
        );
        expect(configMapRef.optional === true || isThere, `${title}: ${configMapRef.name}`).toBe(
          true,
        );
      }
    }
  });
});
