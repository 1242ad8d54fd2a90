/**
 * Keys of those who have addresses: pods, and KubeVirt machines, whose pods come and go. Pure.
 *
 * A pod and a machine of one name in one namespace are two owners. Their NICs would have the same
 * names, since names of ports and of IP objects are Kube-OVN's: of such a name the first keeps it.
 */

/** No name of an object has a colon. */
const MACHINE_MARK = 'vm:';

/** What an owner key is made of. */
export interface OwnerParts {
  readonly namespace: string;
  /** Name of the pod or the machine: what names of NICs begin with. */
  readonly workload: string;
  readonly isMachine: boolean;
}

/** The owner key of a pod: `<namespace>/<name>`. */
export function podOwner(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** The owner key of a KubeVirt machine: `<namespace>/vm:<name>`. */
export function machineOwner(namespace: string, name: string): string {
  return `${namespace}/${MACHINE_MARK}${name}`;
}

/** What a key is made of; parts are empty where the key has none. */
export function ownerParts(owner: string): OwnerParts {
  const [namespace = '', name = ''] = owner.split('/');
  const isMachine = name.startsWith(MACHINE_MARK);
  return { namespace, workload: isMachine ? name.slice(MACHINE_MARK.length) : name, isMachine };
}

/** The other owner of the same name, whether or not there is one: of a pod the machine. */
export function twinOf(owner: string): string {
  const { namespace, workload, isMachine } = ownerParts(owner);
  return isMachine ? podOwner(namespace, workload) : machineOwner(namespace, workload);
}

/** What rows of OVN have for `pod`, which Kube-OVN writes for pods and machines alike. */
export function portsKeyOf(owner: string): string {
  const { namespace, workload } = ownerParts(owner);
  return podOwner(namespace, workload);
}

/** "pod default/web", "virtual machine default/web"; of what is neither, its name alone */
export function ownerName(owner: string): string {
  const { namespace, workload } = ownerParts(owner);
  if (namespace === '') return workload;
  const kind = ownerParts(owner).isMachine ? 'virtual machine' : 'pod';
  return `${kind} ${portsKeyOf(owner)}`;
}
