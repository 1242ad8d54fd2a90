/** Through this helm renders Kube-OVN's chart v1, which has no image for the agent alone. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { type Manifest, ROOT, whyNotRendered } from './rendered.ts';

describe.skipIf(whyNotRendered)('the post-renderer of chart v1', () => {
  const container = (name: string) => ({
    name,
    image: 'docker.io/kubeovn/kube-ovn:v1.17.0',
    args: [`--of=${name}`],
  });
  const workload = (kind: string, name: string, init: string[], main: string[]) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { initContainers: init.map(container), containers: main.map(container) },
      },
    },
  });
  const agent = workload(
    'DaemonSet',
    'kube-ovn-cni',
    ['hostpath-init', 'install-cni'],
    ['cni-server'],
  );
  const other = workload('DaemonSet', 'ovs-ovn', ['hostpath-init'], ['openvswitch']);

  /** As helm does: the whole chart on stdin. */
  function through(objects: readonly object[]): Manifest[] {
    const input = objects.map((object) => JSON.stringify(object)).join('\n---\n');
    const script = join(ROOT, 'deploy/post-renderer/render.sh');
    const output = execFileSync(script, { input, encoding: 'utf8', stdio: 'pipe' });
    return output.split('\n---\n').map((text) => load(text) as Manifest);
  }

  it('changes the images of the agent, and nothing else', () => {
    const found = through([agent, other]);
    const ours = 'registry.example/kube-ovn-node:0.1.0';
    const expected = structuredClone(agent);
    const { initContainers, containers } = expected.spec.template.spec;
    for (const one of [...initContainers, ...containers]) one.image = ours;
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([expected, other]));
  });

  it('fails where the chart has another agent, rather than leave it as it is', () => {
    const renamed = structuredClone(agent);
    for (const one of renamed.spec.template.spec.containers) one.name = 'agent';
    expect(() => through([renamed])).toThrow();
  });
});
