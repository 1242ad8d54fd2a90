/** What does recorded DELs on every node, for the way back to Kube-OVN's own daemon. */
import { DaemonSet } from 'kubernetes-models/apps/v1';
import { describe, expect, it } from 'vitest';
import { parseFlags } from '../../../src/daemon/flags.ts';
import { deletionsOf } from '../../../src/wire/paths.ts';
import {
  containerOf,
  containersOf,
  find,
  rendered,
  templateOf,
  whyNotRendered,
} from './rendered.ts';

describe.skipIf(whyNotRendered)('the DaemonSet that drains', () => {
  const objects = () => rendered('drain');
  const drain = () => containerOf(objects(), 'kube-ovn-drain', 'drain');
  const pod = (folder: string, name: string) => {
    const template = templateOf(find(rendered(folder), 'DaemonSet', name));
    if (template === undefined) throw new Error('it has no pods');
    return template.spec;
  };

  it('is all that is applied, and is right by its schema', () => {
    expect(objects().map(({ kind }) => kind)).toEqual(['DaemonSet']);
    const [object] = objects();
    expect(() => new DaemonSet(object as never).validate()).not.toThrow();
  });

  it('runs the command of the daemon, beside the socket where DELs are recorded', () => {
    const [file, command, ...flags] = drain().command ?? [];
    const daemon = containerOf(rendered('overlays/non-primary'), 'kube-ovn-cni', 'cni-server');
    expect([file]).toEqual(daemon.command);
    expect(command).toBe('drain');
    const { socketPath, ovsDatabase } = parseFlags(flags, {});
    const mounted = (drain().volumeMounts ?? []).map(({ mountPath }) => mountPath);
    for (const path of [deletionsOf(socketPath), ovsDatabase.replace(/^unix:/, '')]) {
      expect(mounted.some((folder) => path.startsWith(`${folder}/`))).toBe(true);
    }
  });

  it('has the folders of the daemon, and no right but to remove interfaces', () => {
    const daemon = pod('overlays/non-primary', 'kube-ovn-cni');
    const own = pod('drain', 'kube-ovn-drain');
    expect(daemon.volumes).toEqual(expect.arrayContaining([...(own.volumes ?? [])]));
    const { hostNetwork, hostPID, serviceAccountName } = daemon;
    expect(own).toMatchObject({ hostNetwork, hostPID, serviceAccountName });
    expect(drain().securityContext?.capabilities?.add).toEqual(['NET_ADMIN']);
    for (const { image, securityContext } of containersOf(own)) {
      expect(image).toMatch(/:\d+\.\d+\.\d+$/);
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });
});
