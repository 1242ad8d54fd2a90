/** What a pod's user reads in its events: each ADD and DEL, and where one failed and why. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allocationAnnotations, type SubnetPlan } from '../lab/cluster.ts';
import type { KubernetesObject } from '../lab/kubernetes/object.ts';
import { cni, createSandbox, type Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { mustAdd, mustDelete } from './observe.ts';

const CONFIGURED = 'Normal PodNetworkConfigured';
const FAILED = 'Warning PodNetworkConfigureFailed';

let fixture: Fixture;
/** A Subnet whose gateway does not exist. */
let silent: SubnetPlan;
beforeAll(async () => {
  fixture = await Fixture.start();
  silent = await fixture.cluster.createSubnet({
    name: 'silent',
    provider: 'silent.default.ovn',
    cidrBlock: '10.81.0.0/16',
    gateway: '10.81.0.1',
  });
  await fixture.node.nbctl('lrp-del', 'ovn-cluster-silent');
});
afterAll(() => fixture[Symbol.asyncDispose]());

function isAbout({ involvedObject }: KubernetesObject, { uid }: Sandbox['pod']): boolean {
  return (involvedObject as { uid?: string }).uid === uid;
}

/** The event of that type and reason about a pod, when it comes. */
async function eventOf({ pod }: Pick<Sandbox, 'pod'>, reason: string): Promise<KubernetesObject> {
  return fixture.api.untilSome('Event', (event) => {
    return isAbout(event, pod) && `${event.type} ${event.reason}` === reason;
  });
}

/** Its message. */
async function messageOf(sandbox: Pick<Sandbox, 'pod'>, reason: string): Promise<string> {
  return String((await eventOf(sandbox, reason)).message);
}

function eventsAbout({ pod }: Pick<Sandbox, 'pod'>): string[] {
  const events = fixture.api.list('Event').filter((event) => isAbout(event, pod));
  return events.map(({ type, reason }) => `${type} ${reason}`).sort();
}

/** An ADD that fails. */
async function failAdd(
  sandbox: Sandbox,
  config: object = {},
  overrides: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { exitCode } = await cni('ADD', sandbox, 'net1', ovnConfig(config), overrides);
  expect(exitCode).not.toBe(0);
}

/** The end of each message: whose interface it is, and where. */
const tailOf = (provider = ATTACHNET) =>
  `provider=${provider} interface=net1 node=${fixture.node.chassis}`;

describe('the events of a pod', () => {
  test('say which address and MAC address its interface got, and that it was removed', async () => {
    const { sandbox, nic } = await fixture.pod();
    await mustAdd(sandbox, 'net1', ovnConfig());
    const event = await eventOf(sandbox, CONFIGURED);
    expect(event).toMatchObject({
      message: `subnet=attachnet ip=${nic.ip} mac=${nic.mac} ${tailOf()}`,
      source: { component: fixture.node.chassis },
      reportingComponent: 'kube-ovn-cni',
    });
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(await messageOf(sandbox, 'Normal PodNetworkRemoved')).toBe(tailOf());
    // What is already gone is not removed again.
    await mustDelete(sandbox, 'net1', ovnConfig());
    const other = await fixture.pod();
    await mustAdd(other.sandbox, 'net1', ovnConfig());
    await eventOf(other.sandbox, CONFIGURED);
    expect(eventsAbout(sandbox)).toEqual([CONFIGURED, 'Normal PodNetworkRemoved']);
  });

  test('say the same of addresses for another plugin', async () => {
    const macvlan: SubnetPlan = {
      name: 'macvlan',
      provider: 'macvlan.default',
      cidrBlock: '10.90.0.0/16',
      gateway: '10.90.0.1',
    };
    await fixture.cluster.createSubnet(macvlan);
    const { sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, provider: macvlan.provider, subnet: macvlan, ip: '10.90.0.7' }),
    });
    const { server_socket, provider } = ovnConfig({ provider: macvlan.provider });
    const config = {
      type: 'macvlan',
      cniVersion: '1.0.0',
      ipam: { type: 'kube-ovn', server_socket, provider },
    };
    const { exitCode, stdout } = await cni('ADD', sandbox, 'net1', config, {}, {}, 'kube-ovn');
    expect(exitCode, stdout).toBe(0);
    const message = await messageOf(sandbox, CONFIGURED);
    expect(message).toBe(`subnet=macvlan ip=10.90.0.7 mac= ${tailOf(macvlan.provider)}`);
  });

  test('count an ADD that is repeated with new sandboxes and fails each time alike', async () => {
    const { pod } = await fixture.pod();
    fixture.cluster.annotate(pod, { [key('ip_address')]: 'none' });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await failAdd(await createSandbox(pod));
      await fixture.api.untilSome(
        'Event',
        (event) => isAbout(event, pod) && event.count === attempt,
      );
    }
    expect(eventsAbout({ pod })).toEqual([FAILED]);
  });

  test('are not written on another pod that has taken the name', async () => {
    const { pod, sandbox } = await fixture.pod();
    await fixture.cluster.deletePod(pod);
    const newer = fixture.cluster.createPod(pod.name);
    await failAdd(sandbox);
    // Those of one daemon are written in order.
    const other = await fixture.pod();
    await mustAdd(other.sandbox, 'net1', ovnConfig());
    await eventOf(other, CONFIGURED);
    expect([...eventsAbout({ pod }), ...eventsAbout({ pod: newer })]).toEqual([]);
  });

  test('hold up no ADD, also where the API server takes none of them', async () => {
    const { sandbox } = await fixture.pod();
    const { faults, requests } = fixture.api;
    const path = '/api/v1/namespaces/default/events';
    const refused = requests.count({ verb: 'create', path });
    const allow = faults.fail(503, { verb: 'create', path });
    await mustAdd(sandbox, 'net1', ovnConfig());
    await requests.waitFor({ verb: 'create', path }, refused + 1);
    allow();
    await mustDelete(sandbox, 'net1', ovnConfig());
    await eventOf({ pod: sandbox.pod }, 'Normal PodNetworkRemoved');
  });
});

/** A pod whose ADD is to fail, and how its call is made. */
interface Failing {
  readonly sandbox: Sandbox;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly overrides?: Readonly<Record<string, string>>;
}

const key = (name: string) => `${ATTACHNET}.kubernetes.io/${name}`;

/** A pod with one NIC on attachnet, whose annotations are changed then. */
async function annotated(change: Readonly<Record<string, string | null>>): Promise<Failing> {
  const { pod, sandbox } = await fixture.pod();
  fixture.cluster.annotate(pod, change);
  return { sandbox };
}

/** A pod with one NIC on another Subnet. */
async function podOn(subnet: SubnetPlan, ip: string): Promise<Failing> {
  const { provider } = subnet;
  const { sandbox } = await fixture.pod({ nic: (nic) => ({ ...nic, provider, subnet, ip }) });
  return { sandbox, config: { provider } };
}

/** A Subnet of OVN's that has this in its `spec`, too. */
function subnetWith(name: string, octet: number, spec: Readonly<Record<string, unknown>>) {
  return fixture.cluster.createSubnet({
    name,
    provider: `${name}.default.ovn`,
    cidrBlock: `10.${octet}.0.0/16`,
    gateway: `10.${octet}.0.1`,
    spec,
  });
}

const STAGES: readonly [stage: string, failing: () => Promise<Failing>, says: string][] = [
  [
    'stage=validate-request',
    async () => ({
      sandbox: (await fixture.pod()).sandbox,
      overrides: { CNI_NETNS: '/run/netns/none' },
    }),
    'error=CNI_NETNS is wrong',
  ],
  [
    'stage=provider',
    async () => ({
      sandbox: (await fixture.pod()).sandbox,
      config: { provider: 'nobody.default.ovn' },
    }),
    'is not bound to any Subnet',
  ],
  [
    'stage=get-subnet',
    async () => {
      const provider = 'nobody.default.ovn';
      const { pod, sandbox } = await fixture.pod({ nic: () => undefined });
      const subnet = { ...fixture.attachnet, name: 'nowhere' };
      const nic = { provider, subnet, ip: '172.17.0.9', mac: '00:00:00:00:00:09' };
      fixture.cluster.annotate(pod, allocationAnnotations(nic));
      return { sandbox, config: { provider } };
    },
    'Subnet "nowhere" of the annotation does not exist',
  ],
  [
    'stage=wait-address',
    () => fixture.pod({ nic: () => undefined }),
    'error=no address allocated to pod',
  ],
  [
    'stage=parse-address',
    () => annotated({ [key('ip_address')]: '10.999.0.1' }),
    `error=annotation ${key('ip_address')} is wrong`,
  ],
  [
    'stage=parse-routes',
    () => annotated({ [key('routes')]: '[{"dst":"x"}]' }),
    `error=annotation ${key('routes')}`,
  ],
  [
    'stage=wait-route',
    () => annotated({ [key('routed')]: null, [key('default_route')]: 'true' }),
    "OVN's routing of network",
  ],
  [
    'stage=confirm-address',
    () => annotated({ [key('ip_address')]: '172.17.99.99' }),
    'to confirm 172.17.99.99',
  ],
  [
    'stage=mtu',
    async () => {
      const name = 'narrow';
      const cidrBlock = 'fd00:82::/64';
      const gateway = 'fd00:82::1';
      const plan = { name, provider: 'narrow.default.ovn', cidrBlock, gateway };
      const subnet = await fixture.cluster.createSubnet({ ...plan, spec: { mtu: 1000 } });
      return podOn(subnet, 'fd00:82::7');
    },
    'the MTU is wrong: 1000',
  ],
  [
    'stage=encap-ip',
    async () => podOn(await subnetWith('elsewhere', 83, { nodeNetwork: 'storage' }), '10.83.0.7'),
    'uses node network "storage"',
  ],
  [
    'stage=configure-nic step=install-flows',
    async () => {
      const { pod, sandbox } = await fixture.pod();
      await fixture.node.nbctl('lsp-del', `${pod.name}.default.${ATTACHNET}`);
      return { sandbox };
    },
    'OVN to install the flows',
  ],
  [
    'stage=configure-nic step=check-gateway',
    () => podOn(silent, '10.81.0.7'),
    'gateway 10.81.0.1 to answer',
  ],
];

describe('an ADD that fails is told with its stage, the reason and the remedy:', () => {
  beforeAll(() => fixture.restartDaemon(['--add-timeout-seconds=3']));

  test.each(STAGES)('%s', async (stage, failing, says) => {
    const { sandbox, config, overrides } = await failing();
    await failAdd(sandbox, { ...config }, overrides);
    const message = await messageOf(sandbox, FAILED);
    expect(message.slice(0, stage.length + 7)).toBe(`${stage} error=`);
    expect(message).toContain(says);
    expect(message).toMatch(/ remedy=.{10,} provider=/);
    expect(message.endsWith(tailOf(String(config?.provider ?? ATTACHNET)))).toBe(true);
    // One sandbox's words are no other one's.
    expect(message).not.toContain(sandbox.containerId.slice(0, 8));
    expect(message).not.toContain(sandbox.netns);
  });
});
