/**
 * What is kept of a StatefulSet: which of its pods come back, and what is asked for them. Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { projectMeta } from '../../../model/meta.ts';

/** What is kept of a StatefulSet. */
export interface StatefulSet {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly deleting: boolean;
  readonly replicas: number;
  /** Number of the first pod. */
  readonly firstOrdinal: number;
  /** Of the pods to be made: which Subnet each network's NICs are on, by annotation key. */
  readonly logicalSwitches: ReadonlyMap<string, string>;
}

const INT32_MAX = 2 ** 31 - 1;

/** A raw StatefulSet as the API server sends it; what has a wrong type counts as absent. */
export function projectStatefulSet(raw: unknown): StatefulSet {
  const { metadata, spec } = rawFields(raw);
  const { name, uid, deleting } = projectMeta(raw);
  const said = readQuietly(spec);
  const annotations = said.part('template').part('metadata').textMap('annotations');
  return {
    namespace: readQuietly(metadata).text('namespace'),
    name,
    uid,
    deleting,
    // The API server fills in 1 where there is none.
    replicas: said.integer('replicas', 0, INT32_MAX) ?? 1,
    firstOrdinal: said.part('ordinals').integer('start', 0, INT32_MAX) ?? 0,
    logicalSwitches: new Map(
      [...annotations].filter(([key]) => key.endsWith('.kubernetes.io/logical_switch')),
    ),
  };
}
