import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { EventObject, ObjectEvent } from '../../../../src/common/kubernetes/event-object.ts';
import type { EventRecorder } from '../../../../src/common/kubernetes/events.ts';
import { CniError } from '../../../../src/daemon/call/error.ts';
import type { LiveAttachment } from '../../../../src/daemon/model/attachment.ts';
import { projectPod } from '../../../../src/daemon/model/pod.ts';
import { filesAskingForPrimary } from '../../../../src/daemon/node/cni-configurations.ts';
import { warnOfConfigurations } from '../../../../src/daemon/node/configuration-warning.ts';
import { PrimaryNetwork } from '../../../../src/daemon/node/primary-network.ts';
import { type StatusParts, status } from '../../../../src/daemon/verbs/status.ts';
import { RecordingLog } from '../recording-log.ts';
import { expectReadable, rejectionOf } from '../support.ts';

let folder = '';
beforeEach(() => {
  const made = mkdtempSync('/tmp/cni-');
  folder = made;
  onTestFinished(() => rmSync(made, { recursive: true }));
});

function write(name: string, content: unknown): void {
  writeFileSync(
    join(folder, name),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
}

const OURS = {
  name: 'kube-ovn',
  cniVersion: '0.3.1',
  plugins: [
    { type: 'kube-ovn', server_socket: '/run/openvswitch/kube-ovn-daemon.sock' },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};
const CILIUM = { name: 'cilium', cniVersion: '1.0.0', plugins: [{ type: 'cilium-cni' }] };

const ETH0: LiveAttachment = {
  containerId: 'c1',
  ifName: 'eth0',
  pod: { namespace: 'default', name: 'web' },
  provider: 'ovn',
  network: 'kube-ovn',
  ipamOnly: false,
  netns: '/run/netns/a',
  routes: [],
};

function pod(annotations: Record<string, string> = {}) {
  return projectPod({ metadata: { namespace: 'default', name: 'web', uid: 'u1', annotations } });
}

/** What is said about an attachment of a pod; undefined where it is served. */
function refusal(isPrimary: boolean, attachment: Partial<LiveAttachment>, annotations = {}) {
  const primary = new PrimaryNetwork({ isPrimary, configFolder: folder });
  try {
    primary.refuse({ ...ETH0, ...attachment }, pod(annotations));
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
}

describe('in non-primary mode', () => {
  it('the primary network is refused, with the file that makes the runtime ask', () => {
    write('05-cilium.conflist', CILIUM);
    write('01-kube-ovn.conflist', OURS);
    const failure = refusal(false, {});
    expect(failure?.code).toBe(7);
    expect(failure?.message).toBe(
      `this node's Kube-OVN is not primary: network ovn is another plugin's; ${folder}/01-kube-ovn.conflist makes the runtime ask`,
    );
    expectReadable(failure as CniError);
  });

  it('it is refused where no file is at fault, or none can be read', () => {
    expect(refusal(false, {})?.message).toContain(
      `a configuration in ${folder} with type kube-ovn`,
    );
    folder = '/tmp/no-such-folder';
    expect(refusal(false, {})?.code).toBe(7);
  });

  it.each([
    ['another network', { provider: 'net1.default.ovn', ifName: 'net1' }],
    ['addresses for another plugin', { ipamOnly: true }],
  ])('%s is served', (_what, attachment) => {
    expect(refusal(false, attachment)).toBeUndefined();
  });

  it('a pod that has it already is served: from primary times, or by an explicit NAD', () => {
    expect(refusal(false, {}, { 'ovn.kubernetes.io/allocated': 'true' })).toBeUndefined();
    const answered = { 'ovn.kubernetes.io/ip_address': '10.16.0.5', 'ovn.kubernetes.io/cidr': 'x' };
    expect(refusal(false, {}, answered)).toBeUndefined();
    const asked = { 'ovn.kubernetes.io/ip_address': '10.16.0.5' };
    expect(refusal(false, {}, asked)?.code).toBe(7);
  });

  it('a pod that attaches it by name may wait for it, on the interface that it attaches it to', () => {
    const networks = { 'k8s.v1.cni.cncf.io/networks': 'default/primary' };
    const first = { 'v1.multus-cni.io/default-network': 'default/primary' };
    expect(refusal(false, { ifName: 'net1' }, networks)).toBeUndefined();
    expect(refusal(false, {}, first)).toBeUndefined();
    expect(refusal(false, {}, networks)?.code).toBe(7);
    expect(refusal(false, { ifName: 'net1' }, first)?.code).toBe(7);
    expect(refusal(false, { ifName: 'net1' })?.code).toBe(7);
  });

  it('STATUS of it is 50 in the same words', async () => {
    write('01-kube-ovn.conflist', OURS);
    const primary = new PrimaryNetwork({ isPrimary: false, configFolder: folder });
    const request = { cni_type: 'kube-ovn', provider: 'ovn' };
    const failure = await rejectionOf(status(request, { primary } as unknown as StatusParts));
    expect(failure.code).toBe(50);
    expect(failure.message).toBe(refusal(false, {})?.message);
  });
});

it('in primary mode it is served', () => {
  write('01-kube-ovn.conflist', OURS);
  expect(refusal(true, {})).toBeUndefined();
  const primary = new PrimaryNetwork({ isPrimary: true, configFolder: folder });
  expect(primary.failure('ovn')).toBeUndefined();
  expect(primary.filesAtFault()).toEqual([]);
});

describe('files that ask for the primary network', () => {
  it('are those with type kube-ovn and no network of their own, in the order of runtimes', () => {
    write('10-single.conf', { type: 'kube-ovn', provider: 'ovn' });
    write('01-kube-ovn.conflist', OURS);
    write('00-multus.conf', { type: 'multus', delegates: [OURS] });
    write('20-attached.conf', { type: 'kube-ovn', provider: 'net1.default.ovn' });
    write('05-cilium.conflist', CILIUM);
    write('30-saved.conflist.bak', OURS);
    expect(filesAskingForPrimary(folder)).toEqual([
      '00-multus.conf',
      '01-kube-ovn.conflist',
      '10-single.conf',
    ]);
  });

  it('are found where the folder is a link, which counts from the root of the node', () => {
    mkdirSync(join(folder, 'etc/cni'), { recursive: true });
    mkdirSync(join(folder, 'opt/net.d'), { recursive: true });
    symlinkSync('/opt/net.d', join(folder, 'etc/cni/net.d'));
    write('opt/kube-ovn.saved', OURS);
    symlinkSync('/opt/kube-ovn.saved', join(folder, 'opt/net.d/01-kube-ovn.conflist'));
    expect(filesAskingForPrimary('/etc/cni/net.d', folder)).toEqual(['01-kube-ovn.conflist']);
  });

  it('are not what cannot be read as one', () => {
    write('01-broken.conflist', '{"type": "kube-ovn"');
    write('02-large.conflist', { ...OURS, note: 'x'.repeat(300_000) });
    write('03-deep.conflist', `${'['.repeat(5000)}{"type":"kube-ovn"}${']'.repeat(5000)}`);
    write('04-null.conflist', 'null');
    expect(filesAskingForPrimary(folder)).toEqual([]);
  });
});

describe('at its start, the daemon', () => {
  function warnings(isPrimary: boolean) {
    const recorded: { about: EventObject; event: ObjectEvent }[] = [];
    const events = {
      record: (about: EventObject, event: ObjectEvent) => recorded.push({ about, event }),
    } as unknown as EventRecorder;
    const log = new RecordingLog();
    const primary = new PrimaryNetwork({ isPrimary, configFolder: folder });
    warnOfConfigurations({ primary, events, nodeName: 'node-1', log });
    return { recorded, lines: log.lines };
  }

  it('says on the Node and in the log which file is left over, and removes nothing', () => {
    write('01-kube-ovn.conflist', OURS);
    const { recorded, lines } = warnings(false);
    expect(lines).toHaveLength(1);
    expect(recorded).toMatchObject([
      {
        about: { kind: 'Node', name: 'node-1' },
        event: { type: 'Warning', reason: 'PrimaryNetworkAskedFor' },
      },
    ]);
    expect(recorded[0]?.event.message).toContain(`${folder}/01-kube-ovn.conflist`);
    expect(filesAskingForPrimary(folder)).toEqual(['01-kube-ovn.conflist']);
  });

  it('says nothing where no file is, or where the network is its own', () => {
    expect(warnings(false)).toEqual({ recorded: [], lines: [] });
    write('01-kube-ovn.conflist', OURS);
    expect(warnings(true)).toEqual({ recorded: [], lines: [] });
  });
});
