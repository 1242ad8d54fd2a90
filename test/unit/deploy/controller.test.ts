/** The manifest that installs the controller says what the controller needs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { createCluster } from '../../../src/controller/cluster.ts';
import { parseFlags } from '../../../src/controller/flags.ts';
import { CONTROLLER, KubernetesApiDouble } from '../../lab/kubernetes/api.ts';
import { kinds } from '../../lab/kubernetes/kinds.ts';
import { configOf, LogDouble } from '../common/kubernetes/support.ts';
import { defaultSettings } from '../controller/settings.ts';

const ROOT = join(import.meta.dirname, '../../..');

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string }[];
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly securityContext: object;
  readonly resources: object;
}

interface Probe {
  readonly httpGet: { readonly port: number; readonly host: string };
}

interface PodSpec {
  readonly containers: Container[];
  readonly securityContext: object;
}

interface Manifest {
  readonly kind: string;
  readonly rules: readonly Rule[];
  readonly spec: { readonly template: { readonly spec: PodSpec } };
}

const manifests = loadAll(readFileSync(join(ROOT, 'deploy/controller.yaml'), 'utf8')) as Manifest[];
const rules = manifests.flatMap((manifest) => manifest.rules ?? []);
const deployment = manifests.find(({ kind }) => kind === 'Deployment');
const [container] = deployment?.spec.template.spec.containers ?? [];

function isGranted(apiGroup: string, resource: string, verb: string): boolean {
  return rules.some(
    (rule) =>
      rule.apiGroups.includes(apiGroup) &&
      rule.resources.includes(resource) &&
      rule.verbs.includes(verb),
  );
}

describe('deploy/controller.yaml', () => {
  it('grants to list and watch all that the controller follows', async () => {
    await using double = await KubernetesApiDouble.start();
    const config = configOf(double, CONTROLLER);
    const cluster = createCluster({ config, settings: defaultSettings, log: new LogDouble() });
    const paths = Object.values(cluster).flatMap((part: object) =>
      'path' in part ? [String(part.path)] : [],
    );
    expect(paths).toHaveLength(13);
    for (const path of paths) {
      const kind = kinds.find(
        ({ apiVersion, plural }) =>
          path === `/${apiVersion === 'v1' ? 'api' : 'apis'}/${apiVersion}/${plural}`,
      );
      const [group = '', version] = (kind?.apiVersion ?? '').split('/');
      for (const verb of ['list', 'watch']) {
        const apiGroup = version === undefined ? '' : group;
        expect(isGranted(apiGroup, kind?.plural ?? '', verb), `${verb} ${path}`).toBe(true);
      }
    }
  });

  it.each([
    ['', 'pods', 'patch'],
    ['', 'events', 'create'],
    ['', 'events', 'patch'],
    ['kubeovn.io', 'ips', 'create'],
    ['kubeovn.io', 'ips', 'delete'],
    ['kubeovn.io', 'subnets/status', 'patch'],
    ['coordination.k8s.io', 'leases', 'create'],
    ['coordination.k8s.io', 'leases', 'patch'],
    ['kubevirt.io', 'virtualmachines', 'get'],
    ['kubevirt.io', 'virtualmachineinstances', 'get'],
  ])('grants what it writes: %s/%s %s', (apiGroup, resource, verb) => {
    expect(isGranted(apiGroup, resource, verb)).toBe(true);
  });

  // That each grant is used the role step of npm test says: see scripts/role-use.ts.
  it('grants to delete IP objects, and nothing else', () => {
    const deleting = rules.filter(({ verbs }) => verbs.includes('delete'));
    expect(deleting.flatMap(({ resources }) => resources)).toEqual(['ips']);
    expect(rules.flatMap(({ verbs }) => verbs)).not.toContain('update');
    expect(JSON.stringify(rules)).not.toContain('*');
  });

  it('lets it be no more than it has to', () => {
    expect(deployment?.spec.template.spec.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_534,
      runAsGroup: 65_534,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container?.resources).toMatchObject({ limits: { memory: '1Gi' } });
  });

  it('starts it with flags that it acts on, and asks where it answers', () => {
    const { ignored, probePort, probeAddress, settings, northbound } = parseFlags(
      container?.args ?? [],
      {},
    );
    expect(ignored).toEqual([]);
    expect(settings.isPrimary).toBe(false);
    expect(northbound).toBeDefined();
    for (const { httpGet } of [container?.readinessProbe, container?.livenessProbe] as Probe[]) {
      expect([httpGet.host, httpGet.port]).toEqual([probeAddress, probePort]);
      expect(httpGet.host).toBe('127.0.0.1');
    }
    expect(container?.env.map(({ name }) => name)).toEqual(['POD_NAME', 'POD_NAMESPACE']);
  });

  it('starts a file that the image has', () => {
    const [file = ''] = container?.command ?? [];
    expect(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).toContain(` ${file}\n`);
  });
});
