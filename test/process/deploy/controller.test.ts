/** The manifests that install the controller say what the controller needs. */
import { describe, expect, it } from 'vitest';
import { createCluster } from '../../../src/controller/cluster/cluster.ts';
import { parseFlags } from '../../../src/controller/config/flags.ts';
import { CONTROLLER, FakeApiServer } from '../../lab/kubernetes/api.ts';
import { kinds } from '../../lab/kubernetes/kinds.ts';
import { isAllowed } from '../../lab/kubernetes/rbac.ts';
import type { RequestVerb } from '../../lab/kubernetes/requests.ts';
import { configOf, RecordingLog } from '../../unit/common/kubernetes/support.ts';
import { defaultSettings } from '../../unit/controller/settings.ts';
import { containerOf, find, rendered, templateOf, whyNotRendered } from './rendered.ts';

const NAMESPACE = 'kube-system';
const rules = CONTROLLER.grants.flatMap(({ rules }) => rules);

function isGranted(apiGroup: string, resource: string, verb: string): boolean {
  const attributes = { apiGroup, resource, verb: verb as RequestVerb };
  return isAllowed(CONTROLLER, { ...attributes, namespace: NAMESPACE, name: 'a' });
}

describe("the controller's role", () => {
  it('grants to list and watch all that the controller follows', async () => {
    await using server = await FakeApiServer.start();
    const config = configOf(server, CONTROLLER);
    const cluster = createCluster({ config, settings: defaultSettings, log: new RecordingLog() });
    const paths = Object.values(cluster).flatMap((part: object) =>
      'path' in part ? [String(part.path)] : [],
    );
    expect(paths).toHaveLength(14);
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
    ['kubeovn.io', 'provider-networks/status', 'patch'],
    ['kubeovn.io', 'vlans/status', 'patch'],
    ['', 'nodes', 'patch'],
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
});

describe.skipIf(whyNotRendered).each([
  ['overlays/non-primary', false],
  ['overlays/primary', true],
])("the controller's Deployment in %s", (folder, isPrimary) => {
  const deployment = () => find(rendered(folder), 'Deployment', 'kube-ovn-controller');
  const pod = () => templateOf(deployment())?.spec;
  const container = () =>
    containerOf(rendered(folder), 'kube-ovn-controller', 'kube-ovn-controller');

  it('lets it be no more than it has to', () => {
    expect(pod()?.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_534,
      runAsGroup: 65_534,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container().securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('starts it with flags that it acts on', () => {
    const { args = [], env = [] } = container();
    const { ignored, settings, health } = parseFlags(args, {});
    expect(ignored).toEqual([]);
    expect(settings.isPrimary).toBe(isPrimary);
    for (const probe of [container().livenessProbe, container().readinessProbe]) {
      expect(probe?.httpGet?.port).toBe(health.port);
    }
    expect(env.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POD_NAME', 'POD_NAMESPACE', 'POD_IPS']),
    );
  });

  it('has it in the host’s network only where the pods’ network is what it makes', () => {
    expect(pod()?.hostNetwork ?? false).toBe(isPrimary);
  });

  it('works on one node, on three and on a hundred: replicas are apart where they can, and a rollout needs no room', () => {
    const { strategy, replicas } = deployment().spec ?? {};
    expect(replicas).toBe(2);
    expect(strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: 0, maxUnavailable: 1 },
    });
    expect(JSON.stringify(pod()?.affinity)).toContain('preferredDuringScheduling');
    expect(JSON.stringify(pod()?.affinity)).not.toContain('requiredDuringScheduling');
    // The scheduler takes ports of the host for taken.
    expect(container().ports).toBeUndefined();
  });
});
