/**
 * Which NICs a pod had that is being deleted, whose objects may be gone before it. Pure.
 *
 * Nothing is wrong with such a pod: what cannot be told is left to the collection of garbage, which
 * goes by IP objects and ports.
 */
import { logicalSwitchPort } from '../../common/names.ts';
import { annotationKey, type NicKind } from '../objects/allocated-nic.ts';
import { DEFAULT_NETWORK_ANNOTATION, type Pod, workloadOf } from '../objects/pod.ts';
import { networkProvider, nicProvider } from './attachments.ts';
import { isTwin } from './pod-networks.ts';
import { PRIMARY_PROVIDER } from './primary.ts';
import type { NetworkView } from './request.ts';
import { podSelections, type Selection } from './selections.ts';

/** A NIC whose addresses are to be given back. */
export interface ReleasedNic {
  readonly provider: string;
  readonly port: string;
  /** Name of its Subnet; undefined where that is not known any more. */
  readonly subnet?: string;
}

/** All NICs that the pod may have, each once. */
export function releasedNics(pod: Pod, view: NetworkView): readonly ReleasedNic[] {
  if (pod.hostNetwork) return [];
  const found = podSelections(pod);
  const selections = 'value' in found ? found.value : [];
  const providers = selections.flatMap((selection) => {
    const twin = isTwin(selection, selections);
    return kindsOf(selection, view).map((kind) => {
      const network = networkProvider(selection, kind);
      return { network, provider: nicProvider(selection, network, twin) };
    });
  });
  if (view.settings.isPrimary && !(DEFAULT_NETWORK_ANNOTATION in pod.annotations)) {
    providers.push({ network: PRIMARY_PROVIDER, provider: PRIMARY_PROVIDER });
  }
  const nics = providers.map(({ network, provider }) => releasedNic(pod, network, provider, view));
  return [...new Map(nics.map((nic) => [nic.port, nic])).values()];
}

/** Without its NetworkAttachmentDefinition a network may have been of either kind. */
function kindsOf({ namespace, name }: Selection, view: NetworkView): readonly NicKind[] {
  const nad = view.nad(namespace, name);
  if (nad === undefined) return ['ovn', 'ipam'];
  const { kind } = nad.config;
  return kind === 'ovn' || kind === 'ipam' ? [kind] : [];
}

function releasedNic(pod: Pod, network: string, provider: string, view: NetworkView): ReleasedNic {
  const { namespace } = pod;
  const port = logicalSwitchPort({ workload: workloadOf(pod, view.settings), namespace, provider });
  const named = pod.annotations[annotationKey(provider, 'logical_switch')] ?? '';
  const object = named === '' ? subnetOf(network, view) : view.subnets.get(named);
  return object === undefined ? { provider, port } : { provider, port, subnet: object.meta.name };
}

/** Every Subnet of the primary network has its provider, so that one says nothing there. */
function subnetOf(network: string, view: NetworkView) {
  return network === PRIMARY_PROVIDER ? undefined : view.subnets.ofProvider(network);
}
