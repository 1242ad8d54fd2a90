/** Subnets that are changed while pods have their addresses: nobody is cut off, and events say so. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControllerFixture } from './controller-fixture.ts';
import { ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { conditionBecomes, eventAbout } from './controller-observe.ts';
import { northboundRows } from './northbound-rows.ts';

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Spec of a Subnet in which a pod runs, with its pod. */
async function inUse(name: string, spec: object) {
  const provider = `${name}.default.ovn`;
  fixture.apply(ovnNetwork(name), subnet(name, { vpc: '', provider, ...spec }));
  const pod = fixture.schedule(podOf(`${name}-pod`, name));
  const nic = await fixture.allocated(`default/${pod.name}`, provider);
  await conditionBecomes(fixture, { kind: 'Subnet', name }, { type: 'Ready', status: 'True' });
  return { provider, pod, nic };
}

describe('a Subnet whose addresses are in use', () => {
  test.each<[what: string, name: string, change: object, text: string]>([
    [
      'its CIDR is moved away',
      'moves',
      { cidrBlock: '10.61.0.0/24', gateway: '10.61.0.1', excludeIps: ['10.61.0.1'] },
      'leaves out addresses in use',
    ],
    ['its gateway is set to one', 'gates', { gateway: '10.60.0.2' }, 'is an address in use'],
    ['it is taken out of OVN', 'leaves', { provider: 'leaves.default' }, 'takes it out of OVN'],
    ['it is set into another Vpc', 'wanders', { vpc: 'blue' }, 'cannot go to vpc blue'],
  ])('where %s, events name its pods, and they run on', async (_, name, change, text) => {
    fixture.apply({ kind: 'Vpc', metadata: { name: 'blue' }, spec: {} });
    const before = { cidrBlock: '10.60.0.0/24', gateway: '10.60.0.1', excludeIps: ['10.60.0.1'] };
    const { provider, pod, nic } = await inUse(name, before);
    const rows = await northboundRows(fixture.node);
    fixture.api.patch('Subnet', name, { spec: change });
    const object = { kind: 'Subnet', name };
    const { message } = await conditionBecomes(fixture, object, { type: 'Ready', status: 'False' });
    expect(message).toContain(text);
    expect(message).toContain(`of pod default/${pod.name}`);
    await eventAbout(fixture, { ...object, reason: 'ValidateLogicalSwitchFailed', text });
    expect(await northboundRows(fixture.node)).toEqual(rows);
    // The next controller finds it so, and does not know the CIDR of before: its routes for policies are
    // for the addresses in use then.
    await fixture.restartController();
    const asked = `${provider}.kubernetes.io`;
    fixture.schedule(podOf(`${name}-new`, name, { [`${asked}/logical_switch`]: name }));
    const about = { kind: 'Pod', name: `${name}-new`, reason: 'PodNetworkUpdateFailed' };
    await eventAbout(fixture, { ...about, text: name === 'leaves' ? '' : text });
    const after = await northboundRows(fixture.node);
    const ofPods = (key: string) => /^Logical_(Switch|Switch_Port|Router_Port) /.test(key);
    expect(filtered(after, ofPods)).toEqual(filtered(rows, ofPods));
    const { metadata } = fixture.api.get('Pod', `default/${pod.name}`);
    expect(metadata.annotations).toMatchObject({
      [`${asked}/ip_address`]: nic.ip_address,
      [`${asked}/cidr`]: '10.60.0.0/24',
      [`${asked}/gateway`]: '10.60.0.1',
    });
    // What is said back is as it was.
    fixture.api.patch('Subnet', name, { spec: { vpc: '', provider, ...before } });
    await conditionBecomes(fixture, object, { type: 'Ready', status: 'True' });
    await fixture.allocated(`default/${name}-new`, provider);
    for (const each of [pod.name, `${name}-new`]) {
      const uid = String(fixture.api.get('Pod', `default/${each}`).metadata.uid);
      await fixture.kubelet.end({ namespace: 'default', name: each, uid });
    }
    await fixture.subnetStatus(name, ({ v4usingIPs }) => v4usingIPs === 0);
    fixture.api.delete('Subnet', name);
  });

  test('is changed when the last of them goes', async () => {
    const { pod } = await inUse('waits', { cidrBlock: '10.62.0.0/24' });
    const spec = { cidrBlock: '10.63.0.0/24', gateway: '10.63.0.1', excludeIps: ['10.63.0.1'] };
    fixture.api.patch('Subnet', 'waits', { spec });
    const object = { kind: 'Subnet', name: 'waits' };
    await conditionBecomes(fixture, object, { type: 'Ready', status: 'False' });
    fixture.schedule(podOf('waits-new', 'waits'));
    await fixture.kubelet.end(pod);
    await conditionBecomes(fixture, object, { type: 'Ready', status: 'True' });
    const { ip_address } = await fixture.allocated('default/waits-new', 'waits.default.ovn');
    expect(ip_address).toBe('10.63.0.2');
  });
});

function filtered(rows: object, isWanted: (key: string) => boolean) {
  return Object.fromEntries(Object.entries(rows).filter(([key]) => isWanted(key)));
}
