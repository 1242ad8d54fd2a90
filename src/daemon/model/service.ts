/**
 * What we keep of a Service that has an address of an underlay Subnet for callers outside of the cluster.
 */
import { type Address, parseAddress } from '../../common/address.ts';
import { rawFields, readQuietly } from '../../common/fields.ts';

/** One Service, as flows on provider bridges are made for it. */
export interface ExternalService {
  /** Name of the Subnet whose address it has; empty for every other Service. */
  readonly subnet: string;
  /** Where callers outside reach it, as the controller has written it. */
  readonly addresses: readonly Address[];
  readonly ports: readonly ServicePort[];
}

/** A port of a Service, 1 to 65535. */
export interface ServicePort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

const SUBNET_ANNOTATION = 'ovn.kubernetes.io/service_external_ip_from_subnet';
/** Each is a flow for each address: what is beyond is left out. */
const PORTS_MAX = 256;
const ADDRESSES_MAX = 8;
const OTHER: ExternalService = { subnet: '', addresses: [], ports: [] };

/** A raw Service as the API server sends it. */
export function projectService(raw: unknown): ExternalService {
  const { metadata, spec, status } = rawFields(raw);
  const { annotations } = rawFields(metadata);
  const subnet = readQuietly(annotations).text(SUBNET_ANNOTATION);
  if (subnet === '') return OTHER;
  const { loadBalancer } = rawFields(status);
  const ingress = readQuietly(loadBalancer).parts('ingress').slice(0, ADDRESSES_MAX);
  return {
    subnet,
    addresses: ingress.flatMap((part) => parseAddress(part.text('ip')) ?? []),
    ports: readQuietly(spec)
      .parts('ports')
      .slice(0, PORTS_MAX)
      .flatMap((part) => {
        const protocol = part.text('protocol').toLowerCase() || 'tcp';
        const port = part.integer('port', 1, 65_535);
        if ((protocol !== 'tcp' && protocol !== 'udp') || port === undefined) return [];
        return [{ protocol, port } as const];
      }),
  };
}
