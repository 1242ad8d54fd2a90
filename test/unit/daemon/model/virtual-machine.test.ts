import { describe, expect, it } from 'vitest';
import { KubernetesError } from '../../../../src/common/kubernetes/api.ts';
import { virtualMachineDisagreement } from '../../../../src/daemon/model/virtual-machine.ts';

const VM = { name: 'vm-1', uid: 'uid-1' };
const PATH = '/apis/kubevirt.io/v1/namespaces/shop/virtualmachineinstances/vm-1';
const refusing = (status: number) => () => {
  const fields = { status, reason: 'x', verb: 'get', path: PATH } as const;
  return Promise.reject(new KubernetesError(fields, ''));
};
const disagreementBy = (readUid: () => Promise<unknown>) =>
  virtualMachineDisagreement('shop', VM, readUid);

describe("a pod's owner reference to a VirtualMachineInstance", () => {
  it('counts where there is one of that name and UID', async () => {
    expect(await disagreementBy(async () => VM.uid)).toBeUndefined();
  });

  it('counts where the daemon may not look', async () => {
    expect(await disagreementBy(refusing(403))).toBeUndefined();
  });

  it.each([
    ['there is none', refusing(404), 'there is no VirtualMachineInstance shop/vm-1'],
    ['it has another UID', async () => 'uid-2', 'has another UID'],
    ['it is no object', async () => undefined, 'has another UID'],
  ])('does not count where %s', async (_, readUid, why) => {
    expect(await disagreementBy(readUid)).toContain(why);
  });

  it('waits where there is no answer', async () => {
    await expect(disagreementBy(refusing(503))).rejects.toThrow('503');
  });
});
