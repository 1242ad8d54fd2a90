/** Pods in the network of their node, which have no addresses. */
import { expect, it } from 'vitest';
import { macvlanNetwork, macvlanSubnet } from '../../../../lab/documented.ts';
import { apply } from '../../../../lab/kubectl.ts';
import { KubernetesApiDouble } from '../../../../lab/kubernetes/api.ts';
import { Life } from '../../life.ts';

const ALLOCATED = 'macvlan.default.kubernetes.io/allocated';

function create(double: KubernetesApiDouble, spec: object) {
  const annotations = { 'k8s.v1.cni.cncf.io/networks': 'default/macvlan' };
  const metadata = { name: 'pod', namespace: 'default', annotations };
  return double.create({ kind: 'Pod', metadata, spec: { containers: [], ...spec } });
}

it('have nothing of an earlier pod of their name: that is given back', async () => {
  const double = await KubernetesApiDouble.start();
  for (const object of [macvlanNetwork, macvlanSubnet]) apply(double, object);
  const life = await Life.begin(double);
  create(double, {});
  await double.until(
    'Pod',
    'default/pod',
    (pod) => pod.metadata.annotations?.[ALLOCATED] === 'true',
  );
  expect(double.list('IP')).toHaveLength(1);
  // The controller sees both at once.
  double.delete('Pod', 'default/pod', { gracePeriodSeconds: 0 });
  create(double, { hostNetwork: true });
  await new Promise<void>((resolve) => {
    const look = () => double.list('IP').length === 0 && resolve();
    double.onChange('IP', look);
    look();
  });
  await double.until('Subnet', 'macvlan', ({ status }) => status?.v4usingIPrange === '');
  await life[Symbol.asyncDispose]();
  await double.close();
});
