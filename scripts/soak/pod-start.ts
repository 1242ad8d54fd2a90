/** How pods come up. */
import type { Answer, Call } from './calls.ts';
import { allocate, createPod, removePod } from './controller.ts';
import {
  anyOf,
  disturbed,
  type Excuse,
  expectSuccess,
  killed,
  podGone,
  surprise,
  titleOf,
} from './excuses.ts';
import type { Nic } from './networks.ts';
import type { Home } from './pods.ts';
import type { StepContext } from './step-context.ts';

export interface BringUp {
  /** Changes the calls of some interfaces. */
  readonly options?: (nic: Nic) => Partial<Call>;
  /** What ADDs may answer besides success and what disturbances excuse. */
  readonly excuse?: Excuse;
}

const NO_OPTIONS = (): Partial<Call> => ({});
const NO_EXCUSE: Excuse = () => false;
/** Sandboxes of a slot whose DEL is owed. */
const OWED_MAX = 1;

/** A new sandbox for a slot's pod, which is made where there is none; it succeeds, or is given up. */
export async function bringUp(context: StepContext, how: BringUp = {}): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const pod = slot.pod ?? createPod(stage, slot, random);
  const allocated =
    slot.generation === slot.allocated ? undefined : allocate(stage, pod, slot.nics);
  slot.allocated = slot.generation;
  // The controller is often slower than kubelet.
  if (random.chance(0.6)) await allocated;
  const home = await kubelet.createHome(pod, slot.nics);
  const [isUp] = await Promise.all([addAll(context, home, how), allocated]);
  if (isUp && (await kubelet.checkAll(home))) slot.home = home;
  else await giveUp(context, home);
}

/** ADDs for all interfaces, one after another or at once; true where all succeed. */
export async function addAll(
  { stage, kubelet, random }: StepContext,
  home: Home,
  { options = NO_OPTIONS, excuse = NO_EXCUSE }: BringUp = {},
): Promise<boolean> {
  const add = async (nic: Nic) => {
    const answer = await kubelet.add(home, nic, options(nic));
    const excuses = anyOf(disturbed, killed, excuse);
    expectSuccess(stage, titleOf('ADD', home, nic.ifName), answer, excuses);
    return answer.code === 0;
  };
  if (random.chance(0.5)) return (await Promise.all(home.nics.map(add))).every(Boolean);
  for (const nic of home.nics) if (!(await add(nic))) return false;
  return true;
}

/** What a runtime does with a sandbox that did not come up, sometimes late. */
export async function giveUp(context: StepContext, home: Home): Promise<void> {
  if (context.random.chance(0.4)) await deferDels(context, home);
  else await context.kubelet.takeDown(home);
}

/** The DELs of a sandbox are to come late; those that are owed for long come now. */
export async function deferDels({ kubelet, slot }: StepContext, home: Home): Promise<void> {
  slot.owed.push(home);
  const oldest = slot.owed.length > OWED_MAX ? slot.owed.shift() : undefined;
  if (oldest !== undefined) await kubelet.takeDown(oldest);
}

/** The executable is killed in the middle of some ADDs. */
export async function bringUpAndKill(context: StepContext): Promise<void> {
  const { random } = context;
  const options = () => (random.chance(0.7) ? { killAfterMs: random.below(60) } : {});
  await bringUp(context, { options });
}

/** The pod is deleted while its sandbox comes up. */
export async function deleteWhileComingUp(context: StepContext): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const pod = createPod(stage, slot, random);
  await allocate(stage, pod, slot.nics);
  const home = await kubelet.createHome(pod, slot.nics);
  const gone = context.pause(50).then(() => removePod(stage, slot));
  await Promise.all([addAll(context, home, { excuse: podGone }), gone]);
  await giveUp(context, home);
}

/** Annotations that are wrong: an ADD must say so. */
const MISTAKES = [
  { ip_address: '192.0.2.1' },
  { mac_address: '01:00:00:00:00:01' },
  { cidr: '10.0.0.0' },
  { gateway: 'none' },
] as const;
/**
 * Those of limits are nothing to the plugin that we hand out addresses for. A burst is wrong only
 * without its rate, which the pod may have: undefined takes it away.
 */
const LIMIT_MISTAKES = [
  { ingress_rate: 'fast' },
  { egress_burst: '1', egress_rate: undefined },
  { loss: '101' },
] as const;
const INVALID_CONFIG = 7;

/** An ADD for a pod with a wrong annotation must be refused, and leave nothing. */
export async function addWithMistake(context: StepContext): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const pod = createPod(stage, slot, random);
  const hasLimits = slot.nics.every(({ network }) => !network.isIpam);
  const mistake = random.pick(hasLimits ? [...MISTAKES, ...LIMIT_MISTAKES] : MISTAKES);
  const wrong = slot.nics.map((nic) => {
    const more = Object.entries({ ...nic.plan.more, ...mistake });
    const annotated = more.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
    return { ...nic, plan: { ...nic.plan, more: Object.fromEntries(annotated) } };
  });
  await allocate(stage, pod, wrong);
  const home = await kubelet.createHome(pod, wrong);
  for (const nic of wrong) {
    const answer = await kubelet.add(home, nic);
    if (!isRefused(answer) && !disturbed(answer)) {
      surprise(
        stage,
        `${titleOf('ADD', home, nic.ifName)} with ${JSON.stringify(mistake)}`,
        answer,
      );
    }
  }
  await giveUp(context, home);
  await removePod(stage, slot);
}

function isRefused({ code }: Answer): boolean {
  return code === INVALID_CONFIG;
}
