/** Requests as the contract has them (messages.ts), with any texts in them. */
import * as fc from 'fast-check';
import type { CniRequest } from '../../../src/wire/messages.ts';
import {
  address,
  almost,
  cidr,
  containerId,
  hostileText,
  interfaceName,
  namespace,
  netns,
  podName,
  provider,
  uid,
} from './texts.ts';

const route = fc.record({ dst: almost(cidr), gw: almost(address) }, { requiredKeys: [] });

/** bit/s or bits, as the contract has them. */
const amount = fc.oneof(
  fc.nat(2),
  fc.integer({ min: 0, max: 2 ** 33 }),
  fc.maxSafeNat(),
  fc.constantFrom(2 ** 31 - 2, 2 ** 31 - 1, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER),
);
const bandwidth = fc.record(
  { ingress_rate: amount, ingress_burst: amount, egress_rate: amount, egress_burst: amount },
  { requiredKeys: [] },
);

/** A right request with at most some fields of any value. */
export const cniRequest: fc.Arbitrary<CniRequest> = fc
  .tuple(
    fc.record({
      cni_type: fc.constantFrom('kube-ovn', 'kube-ovn', 'kube-ovn', 'macvlan'),
      pod_name: podName,
      pod_namespace: namespace,
      container_id: containerId,
      net_ns: netns,
      if_name: interfaceName,
      provider: provider.map((name) => (name === 'macvlan.default' ? 'ovn' : name)),
      network: fc.constantFrom('', 'net', 'a.b_c'),
      pod_uid: uid,
    }),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.record(
          {
            cni_type: almost(fc.constant('kube-ovn')),
            pod_name: almost(podName),
            pod_namespace: almost(podName),
            container_id: almost(containerId),
            net_ns: almost(netns),
            if_name: almost(interfaceName),
            provider: almost(provider),
            network: hostileText,
            pod_uid: almost(uid),
            bandwidth,
            routes: fc.oneof(fc.constant(null), fc.array(route, { maxLength: 3 })),
            deviceID: fc.oneof(
              { weight: 19, arbitrary: fc.constant('') },
              { weight: 1, arbitrary: hostileText },
            ),
          },
          { requiredKeys: [] },
        ),
      },
    ),
  )
  .map(([right, changes]) => ({ ...right, ...changes }));
