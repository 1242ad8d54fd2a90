/**
 * Plays kube-ovn-controller: objects in the Kubernetes API, annotations on pods, and what the
 * two stand for in OVN's northbound database. It allocates nothing: callers choose addresses.
 */
import type { FakeApiServer } from './kubernetes/api.ts';
import type { OvnNode } from './ovn-node.ts';
import type { Sandbox } from './runtime.ts';

export interface SubnetPlan {
  readonly name: string;
  readonly provider: string;
  /** `v4`, `v6` or `v4,v6`. */
  readonly cidrBlock: string;
  readonly gateway: string;
  /** More of `spec`. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface NicPlan {
  readonly provider: string;
  readonly subnet: SubnetPlan;
  /** `v4`, `v6`, `v4,v6`, or empty for a MAC-only NIC. */
  readonly ip: string;
  readonly mac?: string;
  /** Set where several NICs of the pod share the network. */
  readonly ifName?: string;
  /** More per-NIC annotations, by their names: `{ ingress_rate: '10' }`. */
  readonly more?: Readonly<Record<string, string>>;
}

/** More metadata of a pod that runs a VM. */
export interface Launcher {
  readonly ownerReferences: readonly object[];
}

const ROUTER = 'ovn-cluster';
const ROUTER_MAC = '00:00:00:ff:ff:01';

export class Cluster {
  readonly api: FakeApiServer;
  readonly #node: OvnNode;
  readonly #nodeName: string;
  #routerPorts = 0;

  constructor(api: FakeApiServer, node: OvnNode, nodeName: string) {
    this.api = api;
    this.#node = node;
    this.#nodeName = nodeName;
  }

  /** The Node object, and OVN's router. */
  async prepare(): Promise<void> {
    this.api.create({
      kind: 'Node',
      metadata: { name: this.#nodeName },
      status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] },
    });
    await this.#node.nbctl('--may-exist', 'lr-add', ROUTER);
  }

  /** A Subnet; for one of OVN's, a logical switch with a router port that is its gateway. */
  async createSubnet(plan: SubnetPlan): Promise<SubnetPlan> {
    const { name, provider, cidrBlock, gateway } = plan;
    this.api.create({
      kind: 'Subnet',
      metadata: { name },
      spec: { provider, cidrBlock, gateway, protocol: protocolOf(cidrBlock), ...plan.spec },
    });
    if (!isOvn(provider)) return plan;
    const lengths = cidrBlock.split(',').map((cidr) => cidr.split('/')[1]);
    const networks = gateway.split(',').map((address, index) => `${address}/${lengths[index]}`);
    this.#routerPorts += 1;
    const mac = `${ROUTER_MAC.slice(0, -2)}${this.#routerPorts.toString(16).padStart(2, '0')}`;
    await this.#node.nbctl(
      ...['ls-add', name],
      ...['--', 'lrp-add', ROUTER, `${ROUTER}-${name}`, mac, ...networks],
      ...['--', 'lsp-add', name, `${name}-${ROUTER}`],
      ...['--', 'lsp-set-type', `${name}-${ROUTER}`, 'router'],
      ...['--', 'lsp-set-addresses', `${name}-${ROUTER}`, 'router'],
      ...['--', 'lsp-set-options', `${name}-${ROUTER}`, `router-port=${ROUTER}-${name}`],
    );
    return plan;
  }

  createNetworkAttachment(namespace: string, name: string, config: object): void {
    this.api.create({
      kind: 'NetworkAttachmentDefinition',
      metadata: { namespace, name },
      spec: { config: JSON.stringify(config) },
    });
  }

  /** A pod that is scheduled to this node; returns what a runtime knows of it. */
  createPod(
    name: string,
    annotations: Readonly<Record<string, string>> = {},
    namespace = 'default',
    launcher?: Launcher,
  ): Sandbox['pod'] {
    const pod = this.api.create({
      kind: 'Pod',
      metadata: { name, namespace, annotations, ...launcher },
      spec: { nodeName: this.#nodeName, containers: [] },
    });
    return { namespace, name, uid: String(pod.metadata.uid) };
  }

  /** What the controller does for one NIC: port, IP object, annotations, and then `routed`. */
  async allocate(pod: Sandbox['pod'], nic: NicPlan): Promise<void> {
    if (isOvn(nic.provider)) await this.createPort(pod, nic);
    this.writeIp(pod, nic);
    this.annotate(pod, allocationAnnotations(nic));
    if (isOvn(nic.provider))
      this.annotate(pod, { [`${nic.provider}.kubernetes.io/routed`]: 'true' });
  }

  /**
   * The IP object of one NIC, as controllers write it before the annotations, but for the node in its
   * `spec`, so that a test sees the daemon write it.
   */
  writeIp(pod: Sandbox['pod'], nic: NicPlan): void {
    const isOf = (family: string) => (address: string) => protocolOf(address) === family;
    const addresses = nic.ip.split(',');
    const machine = nic.more?.virtualmachine;
    const name = portName(pod, nic);
    const spec = {
      podName: machine ?? pod.name,
      namespace: pod.namespace,
      subnet: nic.subnet.name,
      ipAddress: nic.ip,
      v4IpAddress: addresses.find(isOf('IPv4')) ?? '',
      v6IpAddress: addresses.find(isOf('IPv6')) ?? '',
      macAddress: isOvn(nic.provider) ? (nic.mac ?? '') : '',
      podType: machine === undefined ? '' : 'VirtualMachine',
    };
    const labels = {
      'ovn.kubernetes.io/subnet': nic.subnet.name,
      'ovn.kubernetes.io/node-name': this.#nodeName,
    };
    const isThere = this.api.list('IP').some(({ metadata }) => metadata.name === name);
    if (isThere) this.api.patch('IP', name, { metadata: { labels }, spec });
    else
      this.api.create({ kind: 'IP', metadata: { name, labels }, spec: { ...spec, nodeName: '' } });
  }

  /** A VirtualMachineInstance, and what makes a pod its launcher. */
  createMachine(name: string, namespace = 'default'): Launcher {
    const { metadata } = this.api.create({
      kind: 'VirtualMachineInstance',
      metadata: { name, namespace },
    });
    const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name };
    return { ownerReferences: [{ ...owner, uid: String(metadata.uid), controller: true }] };
  }

  /** Sets annotations; null removes one. */
  annotate(pod: Sandbox['pod'], annotations: Readonly<Record<string, string | null>>): void {
    this.api.patch('Pod', keyOf(pod), { metadata: { annotations } });
  }

  /** Removes a pod at once, with what `allocate` made for it. */
  async deletePod(pod: Sandbox['pod'], nics: readonly NicPlan[] = []): Promise<void> {
    this.api.delete('Pod', keyOf(pod), { gracePeriodSeconds: 0 });
    for (const nic of nics) {
      this.api.delete('IP', portName(pod, nic));
      if (isOvn(nic.provider)) await this.#node.nbctl('--if-exists', 'lsp-del', portName(pod, nic));
    }
  }

  /** The logical switch port of one NIC: the part of `allocate` that OVN sees. */
  async createPort(pod: Sandbox['pod'], nic: NicPlan): Promise<void> {
    const port = portName(pod, nic);
    const addresses = [nic.mac, ...nic.ip.split(',')].filter(Boolean).join(' ');
    await this.#node.nbctl(
      ...['--may-exist', 'lsp-add', nic.subnet.name, port],
      ...['--', 'lsp-set-addresses', port, addresses],
    );
  }
}

/** The annotations that the controller writes in one patch. */
export function allocationAnnotations(nic: NicPlan): Record<string, string> {
  const prefix = nic.ifName === undefined ? nic.provider : `${nic.provider}.${nic.ifName}`;
  const isOverlay = isOvn(nic.provider);
  const values: Record<string, string | undefined> = {
    allocated: 'true',
    ip_address: nic.ip,
    cidr: nic.ip === '' ? undefined : nic.subnet.cidrBlock,
    gateway: nic.ip === '' ? undefined : nic.subnet.gateway,
    mac_address: nic.mac,
    logical_switch: isOverlay ? nic.subnet.name : undefined,
    ...nic.more,
  };
  const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  const annotations = entries.map(([name, value]) => [
    `${prefix}.kubernetes.io/${name}`,
    String(value),
  ]);
  if (nic.ip === '' && nic.ifName !== undefined)
    annotations.push([`${prefix}.kubernetes.io/ip_address`, '']);
  return Object.fromEntries(annotations);
}

/** Name of a NIC's logical switch port and IP object. */
export function portName(pod: Sandbox['pod'], nic: NicPlan): string {
  const network = nic.provider === 'ovn' ? [] : [nic.provider];
  return [
    nic.more?.virtualmachine ?? pod.name,
    pod.namespace,
    ...network,
    ...(nic.ifName === undefined ? [] : [nic.ifName]),
  ].join('.');
}

function keyOf(pod: Sandbox['pod']): string {
  return `${pod.namespace}/${pod.name}`;
}

function isOvn(provider: string): boolean {
  return provider === 'ovn' || provider.endsWith('.ovn');
}

function protocolOf(cidrBlock: string): string {
  if (cidrBlock.includes(',')) return 'Dual';
  if (cidrBlock === '') return '';
  return cidrBlock.includes(':') ? 'IPv6' : 'IPv4';
}
