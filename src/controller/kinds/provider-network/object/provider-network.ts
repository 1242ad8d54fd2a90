/**
 * ProviderNetwork as the controller has it: with the status that it writes, which Kube-OVN's daemon
 * needs. Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import {
  BRIDGE_FAILED_REASON,
  BRIDGE_READY_REASON,
  type ProviderNetwork,
  projectProviderNetwork as projectSpec,
} from '../../../../common/provider-network.ts';
import { changedFields } from '../../../model/changes.ts';
import {
  type Condition,
  type ConditionSays,
  conditionAfter,
  projectConditions,
  says,
} from '../../../model/conditions.ts';
import { type MergePatch, type Meta, projectMeta } from '../../../model/meta.ts';
import { hasSameMembers } from '../../../model/same-members.ts';

/** What is kept of a ProviderNetwork object. */
export interface ProviderNetworkObject extends ProviderNetwork {
  readonly meta: Meta;
  readonly status: ProviderNetworkStatus;
}

/** The part of the status that we write: Kube-OVN's fields. */
export interface ProviderNetworkStatus {
  /** True where no node that is in the network is without a bridge. */
  readonly ready: boolean;
  readonly readyNodes: readonly string[];
  readonly notReadyNodes: readonly string[];
  /** Names of the Vlans whose ids the nodes' interfaces let through. */
  readonly vlans: readonly string[];
  readonly conditions: readonly NodeCondition[];
}

/** A condition about one node of the provider network. */
export interface NodeCondition extends Condition {
  readonly node: string;
}

/** A node that is in the provider network. */
export interface NodeState {
  readonly name: string;
  /** Why it has no bridge; undefined where it has. */
  readonly problem?: string;
}

/** A raw ProviderNetwork as the API server sends it. */
export function projectProviderNetwork(raw: unknown): ProviderNetworkObject {
  const { conditions, ...status } = rawFields(rawFields(raw).status);
  const said = readQuietly(status);
  return {
    ...projectSpec(raw),
    meta: projectMeta(raw),
    status: {
      ready: said.flag('ready'),
      readyNodes: said.texts('readyNodes'),
      notReadyNodes: said.texts('notReadyNodes'),
      vlans: said.texts('vlans'),
      conditions: projectConditions(conditions).map((condition) => ({
        ...condition,
        node: readQuietly(condition).text('node'),
      })),
    },
  };
}

/**
 * The patch that makes the status say this, or undefined where it does: in lists the order means
 * nothing. Conditions of nodes that are not in the network (any more) go.
 *
 * @param nodes those in the network, each once
 * @param vlans names of the Vlans that are in it and in no conflict
 */
export function providerNetworkStatusPatch(
  status: ProviderNetworkStatus,
  nodes: readonly NodeState[],
  vlans: readonly string[],
  now: Date,
): MergePatch | undefined {
  const notReady = namesOf(nodes.filter(({ problem }) => problem !== undefined));
  const lists = {
    readyNodes: namesOf(nodes.filter(({ problem }) => problem === undefined)),
    notReadyNodes: notReady,
    vlans: vlans.toSorted(),
  };
  const kept = (name: keyof typeof lists) =>
    hasSameMembers(status[name], lists[name]) ? status[name] : lists[name];
  const ready = notReady.length === 0;
  const changes = changedFields(
    { ...status },
    {
      ready,
      readyNodes: kept('readyNodes'),
      notReadyNodes: kept('notReadyNodes'),
      vlans: kept('vlans'),
      conditions: conditionsOf(status.conditions, nodes, now),
    },
  );
  // Where it is not there it reads as false, and people look for it.
  return changes && { status: { ready, ...changes } };
}

function namesOf(nodes: readonly NodeState[]): readonly string[] {
  return nodes.map(({ name }) => name).toSorted();
}

/** Conditions keep their order; those of nodes that have none yet follow. */
function conditionsOf(
  current: readonly NodeCondition[],
  nodes: readonly NodeState[],
  now: Date,
): readonly NodeCondition[] {
  const inNetwork = new Set(nodes.map(({ name }) => name));
  const missing = new Map(nodes.map((node) => [node.name, stateOf(node)]));
  const conditions: NodeCondition[] = [];
  for (const condition of current) {
    const { node, type } = condition;
    const said = type === 'Ready' ? missing.get(node) : undefined;
    if (said !== undefined) conditions.push({ ...conditionAfter(condition, said, now), node });
    else if (inNetwork.has(node) && type !== 'Ready') conditions.push(condition);
    if (type === 'Ready') missing.delete(node);
  }
  for (const node of [...missing.keys()].toSorted()) {
    const said = missing.get(node);
    if (said !== undefined) conditions.push({ ...conditionAfter(undefined, said, now), node });
  }
  return conditions;
}

function stateOf({ problem }: NodeState): ConditionSays {
  return problem === undefined
    ? says('Ready', 'True', BRIDGE_READY_REASON)
    : says('Ready', 'False', BRIDGE_FAILED_REASON, problem);
}
