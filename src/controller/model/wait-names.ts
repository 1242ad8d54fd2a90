/**
 * Names of what a reconciler may wait for (`NotDone.waitsFor`). That whoever waits and whoever wakes
 * use the same name is all that matters about one. Names of objects are `<Kind>/<name>`.
 */
import type { Address } from '../../common/address.ts';

/** Makes the name of each thing that can be waited for. */
export const waitFor = {
  /** The Subnet, what is right or wrong about it, and what it says. */
  subnet: (name: string) => `Subnet/${name}`,
  /** Any Subnet of a provider. */
  subnetsOf: (provider: string) => `Subnets of provider ${provider}`,
  nad: (namespace: string, name: string) => `NetworkAttachmentDefinition/${namespace}/${name}`,
  /** All NetworkAttachmentDefinitions are known. */
  nads: 'NetworkAttachmentDefinitions',
  /** The Namespace, and which Subnets, Vpcs and IPPools are for it. */
  namespace: (name: string) => `Namespace/${name}`,
  ipPool: (name: string) => `IPPool/${name}`,
  /** The IP object, or what the NIC of that name holds. */
  ip: (name: string) => `IP/${name}`,
  securityGroup: (name: string) => `SecurityGroup/${name}`,
  /** The pods whose addresses are under this owner. */
  owner: (owner: string) => `Pod/${owner}`,
  /** The logical switch of a Subnet. */
  logicalSwitch: (subnet: string) => `Logical_Switch/${subnet}`,
  /** That nobody has this address. */
  address: (subnet: string, { text }: Address) => `${text} of Subnet ${subnet}`,
  /** That nobody has this MAC address. */
  mac: (subnet: string, mac: string) => `${mac} of Subnet ${subnet}`,
  /** Any address of a Subnet. */
  addresses: (subnet: string) => `addresses of Subnet ${subnet}`,
  /** Any address of an IPPool. */
  poolAddresses: (pool: string) => `addresses of IPPool ${pool}`,
} as const;
