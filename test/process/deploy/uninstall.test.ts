/** deploy/uninstall and deploy/uninstall-ovn clean where an installation has put something, and may do nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../unit/docs/commands.ts';
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

describe.skipIf(whyNotRendered)('the removal of the component ovn', () => {
  const removal = whyNotRendered ? undefined : podOf('uninstall-ovn', 'kube-ovn-uninstall-ovn');
  const [container] = removal?.initContainers ?? [];
  const folders = (pod?: PodSpec) =>
    (pod?.volumes ?? []).flatMap(({ hostPath }) => hostPath?.path ?? []);

  it('runs once on every node, in the host’s network, by the script of the image', () => {
    expect(rendered('uninstall-ovn')).toHaveLength(1);
    expect(removal).toMatchObject({
      automountServiceAccountToken: false,
      tolerations: [{ operator: 'Exists' }],
      hostNetwork: true,
    });
    const [file = ''] = container?.command ?? [];
    expect(existsSync(join(ROOT, 'image', file.replace('/kube-ovn/', '')))).toBe(true);
  });

  it('has all folders of the node that the component writes', () => {
    const objects = rendered('overlays/non-primary').filter(({ metadata }) =>
      ['ovs-ovn', 'ovn-central', 'ovn-backup'].includes(metadata.name),
    );
    const written = objects.flatMap((object) => folders(templateOf(object)?.spec));
    expect(new Set(written).size).toBe(5);
    for (const path of written) {
      const isThere = folders(removal).some((own) => `${path}/`.startsWith(`${own}/`));
      expect(isThere, path).toBe(true);
    }
  });

  it('leaves OVN’s databases, unless somebody says otherwise', () => {
    expect(container?.env).toContainEqual({ name: 'REMOVE_DATABASES', value: 'false' });
  });

  it('has no capability but the one for links and the datapath', () => {
    const [uninstall, done] = [...(removal?.initContainers ?? []), ...(removal?.containers ?? [])];
    const none = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    };
    expect(uninstall?.securityContext).toEqual({
      ...none,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    });
    expect(done?.securityContext).toEqual(none);
  });
});
