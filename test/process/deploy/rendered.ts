/**
 * The objects of deploy/ as kubectl makes them of the kustomizations. Real kubectl does that and no
 * player of ours, so that what is tested is what a cluster gets.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';

export const ROOT = join(import.meta.dirname, '../../..');

/** The parts of a pod's template that tests look at. */
export interface PodSpec {
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly priorityClassName?: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly dnsPolicy?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly object[];
  readonly affinity?: object;
  readonly securityContext?: { readonly seccompProfile?: { readonly type: string } };
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly { readonly configMapRef: { name: string; optional?: boolean } }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly securityContext?: SecurityContext;
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly mountPropagation?: string;
    readonly readOnly?: boolean;
  }[];
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number; readonly host?: string };
  readonly exec?: { readonly command: readonly string[] };
}

export interface SecurityContext {
  readonly privileged?: boolean;
  readonly runAsUser?: number;
  readonly allowPrivilegeEscalation?: boolean;
  readonly readOnlyRootFilesystem?: boolean;
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
}

export interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly emptyDir?: object;
  readonly secret?: { readonly secretName: string };
}

/** An object, as far as tests look at it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly rules?: readonly Rule[];
  readonly subjects?: readonly { readonly kind: string; readonly name: string }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: Spec;
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Spec {
  readonly replicas?: number;
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly strategy?: object;
  readonly updateStrategy?: object;
  readonly maxUnavailable?: number | string;
  readonly minAvailable?: number | string;
  readonly template?: Template;
  readonly jobTemplate?: { readonly spec: { readonly template: Template } };
}

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

const MINOR_MIN = 21;

/** Folders of deploy/ that stand for a whole installation. */
export const INSTALLATIONS: readonly string[] = ['overlays', 'examples'].flatMap((folder) =>
  readdirSync(join(ROOT, 'deploy', folder)).map((name) => `${folder}/${name}`),
);

/**
 * Why nothing can be rendered here; undefined where it can. Debian 12 has no kubectl that knows
 * components of kustomize: what is left out for that is told.
 */
export const whyNotRendered: string | undefined = (() => {
  const reason = 'needs kubectl 1.21 or newer, which is not on this machine, to render deploy/';
  if (clientMinor() >= MINOR_MIN) return undefined;
  console.log(`skipped: tests of what deploy/ renders: ${reason}`);
  return reason;
})();

/** Of kubectl 1.N; 0 where there is none. */
function clientMinor(): number {
  const words = ['version', '--client', '--output=json'];
  const { stdout, error } = spawnSync('kubectl', words, { encoding: 'utf8' });
  if (error !== undefined) return 0;
  const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } };
  return Number(/^v1\.(\d+)/.exec(clientVersion.gitVersion)?.[1]);
}

const known = new Map<string, readonly Manifest[]>();

/**
 * All objects of a folder of deploy/, in the order in which they are applied.
 * @param folder like `overlays/primary`
 */
export function rendered(folder: string): readonly Manifest[] {
  const before = known.get(folder);
  if (before !== undefined) return before;
  const options = { encoding: 'utf8', maxBuffer: OUTPUT_MAX } as const;
  const text = execFileSync('kubectl', ['kustomize', join(ROOT, 'deploy', folder)], options);
  const objects = loadAll(text) as Manifest[];
  known.set(folder, objects);
  return objects;
}

const OUTPUT_MAX = 2 ** 24;

/** @throws Error where there is none of that kind and name */
export function find(objects: readonly Manifest[], kind: string, name: string): Manifest {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** The template of a workload; undefined for objects of other kinds. */
export function templateOf({ spec }: Manifest): Template | undefined {
  return spec?.template ?? spec?.jobTemplate?.spec.template;
}

/** Init containers and containers of a pod. */
export function containersOf({ initContainers = [], containers }: PodSpec): readonly Container[] {
  return [...initContainers, ...containers];
}

/** @throws Error where the pod has none of that name */
export function containerOf(
  objects: readonly Manifest[],
  workload: string,
  name: string,
): Container {
  const manifest = objects.find(
    (one) => one.metadata.name === workload && templateOf(one) !== undefined,
  );
  const spec = manifest && templateOf(manifest)?.spec;
  const found = spec && containersOf(spec).find((container) => container.name === name);
  if (found === undefined) throw new Error(`there is no container ${name} in ${workload}`);
  return found;
}
