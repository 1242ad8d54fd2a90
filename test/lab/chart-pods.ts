/**
 * Kube-OVN's two charts of v1.17 as helm renders them with their own values (charts/): whole pods of the agent's
 * DaemonSet and of the controller's Deployment, and the roles that they grant. In non-primary mode one
 * flag of each program differs and nothing else.
 */
import { readFileSync } from 'node:fs';
import type { Account, PolicyRule } from './kubernetes/rbac.ts';

export const CHARTS = ['v1', 'v2'] as const;
export type ChartName = (typeof CHARTS)[number];

/** The part of a container that the charts use. */
export interface ChartContainer {
  readonly name: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly ChartVariable[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly runAsUser?: number;
    readonly allowPrivilegeEscalation?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
  readonly volumeMounts?: readonly ChartMount[];
  readonly readinessProbe?: ChartProbe;
  readonly livenessProbe?: ChartProbe;
}

export interface ChartProbe {
  readonly httpGet: { readonly path: string; readonly port: number; readonly scheme?: string };
}

export interface ChartVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

/** Where a pod runs, as far as its containers are told. */
export interface PodPlace {
  readonly nodeName: string;
  readonly podName: string;
  readonly nodeAddress: string;
  /** What a kubelet gives every container: how it reaches the API server. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface ChartMount {
  readonly name: string;
  readonly mountPath: string;
  readonly mountPropagation?: string;
  readonly readOnly?: boolean;
}

export interface ChartVolume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly emptyDir?: object;
}

export interface ChartPod {
  readonly init: readonly ChartContainer[];
  readonly containers: readonly ChartContainer[];
  readonly volumes?: readonly ChartVolume[];
  /** Whether its containers see the host's processes. */
  readonly hostPID?: boolean;
  /** Whether it has the token of its account; it has where nothing is said. */
  readonly automountServiceAccountToken?: boolean;
}

export interface Chart {
  readonly daemonset: ChartPod;
  readonly controller: ChartPod;
  readonly daemonAccount: Account;
  readonly controllerAccount: Account;
}

/** @param isPrimary whether Kube-OVN is the cluster's primary network, the charts' default */
export function chartOf(name: ChartName, isPrimary: boolean): Chart {
  const text = readFileSync(new URL(`charts/${name}.json`, import.meta.url), 'utf8');
  const flag = '--non-primary-cni-mode=';
  const mode = text.replaceAll(`${flag}false`, `${flag}${!isPrimary}`);
  const parts = JSON.parse(mode) as Pick<Chart, 'daemonset' | 'controller'> &
    Readonly<Record<string, unknown>>;
  const account = (user: string, role: string): Account => ({
    user: `system:serviceaccount:kube-system:${user}`,
    grants: [{ rules: parts[role] as readonly PolicyRule[] }],
  });
  return {
    daemonset: parts.daemonset,
    controller: parts.controller,
    daemonAccount: account('kube-ovn-cni', 'ClusterRole system:kube-ovn-cni'),
    controllerAccount: account('ovn', 'ClusterRole system:ovn'),
  };
}

/** The environment of a container. */
export function variablesOf(
  { env = [] }: ChartContainer,
  { nodeName, podName, nodeAddress, environment }: PodPlace,
): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': podName,
    'metadata.namespace': 'kube-system',
    'spec.nodeName': nodeName,
    'status.podIP': nodeAddress,
    'status.podIPs': nodeAddress,
    'status.hostIP': nodeAddress,
  };
  const values: Record<string, string> = { ...environment };
  for (const { name, value = '', valueFrom } of env) {
    const path = valueFrom?.fieldRef?.fieldPath;
    // `$(NAME)` is a variable that was there before, or stays as it is.
    const text = value.replaceAll(/\$\((\w+)\)/g, (word, other: string) => values[other] ?? word);
    values[name] = path === undefined ? text : (fields[path] ?? '');
  }
  return values;
}
