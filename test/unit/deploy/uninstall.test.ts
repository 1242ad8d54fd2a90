/** deploy/uninstall cleans where the installation has put something, and may do nothing else. */
import { describe, expect, it } from 'vitest';
import { type PodSpec, rendered, templateOf, whyNotRendered } from './rendered.ts';

/** The pod of a DaemonSet that a folder of deploy/ renders. */
function podOf(folder: string, name: string): PodSpec | undefined {
  const manifest = rendered(folder).find(
    ({ kind, metadata }) => kind === 'DaemonSet' && metadata.name === name,
  );
  return manifest && templateOf(manifest)?.spec;
}

describe.skipIf(whyNotRendered)('the removal', () => {
  const removal = whyNotRendered ? undefined : podOf('uninstall', 'kube-ovn-uninstall');

  it('runs once on every node, without the API server', () => {
    expect(rendered('uninstall')).toHaveLength(1);
    expect(removal).toMatchObject({
      automountServiceAccountToken: false,
      tolerations: [{ operator: 'Exists' }],
      hostNetwork: true,
      initContainers: [{ command: ['/kube-ovn/uninstall'] }],
    });
  });

  it.each(['overlays/primary', 'overlays/non-primary'])(
    'has all folders that %s puts something into',
    (folder) => {
      const folders = (pod?: PodSpec) =>
        (pod?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []);
      const ofAgent = folders(podOf(folder, 'kube-ovn-cni'));
      const wanted = ofAgent.filter((path) => /cni|openvswitch|netns/.test(path));
      expect(wanted.length).toBeGreaterThan(2);
      expect(folders(removal)).toEqual(expect.arrayContaining(wanted));
    },
  );

  it('has no capability', () => {
    const containers = [...(removal?.initContainers ?? []), ...(removal?.containers ?? [])];
    expect(containers).toHaveLength(2);
    for (const { securityContext } of containers) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});
