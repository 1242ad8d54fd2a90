/**
 * Which pods are those of a KubeVirt virtual machine. Pure; daemon and controller go by the same rule.
 *
 * A pod's owner reference is a claim and no more: whoever writes the pod writes it. It counts only
 * beside the VirtualMachineInstance that it names, which the pod's author cannot make by writing a
 * pod: same namespace, same name, same UID, and, where KubeVirt has listed the instance's pods
 * (`status.activePods`), the pod is one of them. KubeVirt lists every pod of the namespace that names
 * the instance as its controller; so within one namespace somebody who may read the instance's UID can
 * still pass for its pod.
 */
import { isDnsName } from './names.ts';

/** The instance that a pod says it belongs to: its name is also that of the machine. */
export interface MachineClaim {
  readonly name: string;
  readonly uid: string;
}

/** What is kept of a VirtualMachineInstance. */
export interface MachineInstance {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly deleting: boolean;
  /** UIDs of its pods; undefined where KubeVirt has not listed any yet. */
  readonly activePods: ReadonlySet<string> | undefined;
}

/** One owner reference as it is written, whatever it holds. */
interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * What a pod's owner references claim. A name that no object of Kubernetes can have is no claim: such
 * a pod is a pod like any other.
 */
export function readMachineClaim(references: readonly OwnerReference[]): MachineClaim | undefined {
  const found = references.find(
    ({ apiVersion, kind, name }) =>
      kind === 'VirtualMachineInstance' && apiVersion.startsWith('kubevirt.io/') && isDnsName(name),
  );
  return found && { name: found.name, uid: found.uid };
}

/**
 * Why a pod is not shown to be one of the machine that it claims; undefined where it is.
 * @param instance the one of the claimed name in the pod's namespace, where there is one
 */
export function claimProblem(
  pod: { readonly namespace: string; readonly uid: string },
  claim: MachineClaim,
  instance: MachineInstance | undefined,
): string | undefined {
  const named = `VirtualMachineInstance ${pod.namespace}/${claim.name}`;
  if (instance === undefined) return `${named}, which the pod names as its owner, does not exist`;
  if (instance.uid !== claim.uid) {
    return `${named} is another one than the pod names as its owner: it has UID ${instance.uid}`;
  }
  if (instance.activePods === undefined || instance.activePods.has(pod.uid)) return undefined;
  return `${named} does not list the pod in status.activePods`;
}
