/** The component secure-serving: what is asked by HTTPS says so on both sides, and may ask who asks. */
import { describe, expect, it } from 'vitest';
import { parseFlags as parseControllerFlags } from '../../../src/controller/config/flags.ts';
import { parseFlags as parseDaemonFlags } from '../../../src/daemon/flags.ts';
import { containerOf, find, rendered, whyNotRendered } from './rendered.ts';

const FOLDER = 'examples/monitored';
const ENVIRONMENT = { ENABLE_BIND_LOCAL_IP: 'true', POD_IPS: '10.0.0.1', NODE_NAME: 'node1' };

describe.skipIf(whyNotRendered).each([
  ['kube-ovn-cni', 'cni-server', parseDaemonFlags],
  ['kube-ovn-controller', 'kube-ovn-controller', parseControllerFlags],
] as const)('%s with the component secure-serving', (workload, name, parse) => {
  const container = () => containerOf(rendered(FOLDER), workload, name);

  it('speaks HTTPS, and is probed by it', () => {
    const { health } = parse(container().args ?? [], ENVIRONMENT);
    expect(health.tls).toBeDefined();
    for (const probe of [container().livenessProbe, container().readinessProbe]) {
      expect(probe?.httpGet).toMatchObject({ scheme: 'HTTPS', port: health.port });
    }
  });

  it('may ask the API server whose a token is, and what it may read', () => {
    const binding = find(rendered(FOLDER), 'ClusterRoleBinding', 'kube-ovn-access-review');
    expect(binding.subjects?.map((subject) => subject.name)).toContain(workload);
    const role = find(rendered(FOLDER), 'ClusterRole', binding.roleRef?.name ?? '');
    expect(role.rules?.map(({ resources, verbs }) => [...resources, ...verbs])).toEqual([
      ['tokenreviews', 'create'],
      ['subjectaccessreviews', 'create'],
    ]);
  });

  it('is scraped by HTTPS, with a token', () => {
    expect(find(rendered(FOLDER), 'ServiceMonitor', workload).spec).toMatchObject({
      endpoints: [{ scheme: 'https', bearerTokenFile: expect.stringContaining('/token') }],
    });
  });
});
