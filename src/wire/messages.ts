/**
 * The contract between the executable and the daemon: JSON bodies over HTTP on a unix socket.
 *
 * Every name here is Kube-OVN's, so that either half works with the Go project's other half.
 * Fields that Kube-OVN does not know are optional and marked "ours"; unknown fields are ignored
 * by both sides, so that an old half works with a newer one.
 * The executable imports only the types: no schema code ends up in its bundle.
 */
import Type, { type Static } from 'typebox';

export { ADD_PATH, CHECK_PATH, DEL_PATH, GC_PATH, STATUS_PATH } from './paths.ts';

/** An empty or missing `dst` is the default route of the gateway's family. */
export const RouteSchema = Type.Object({
  dst: Type.Optional(Type.String()),
  gw: Type.Optional(Type.String()),
});

/** CNI's DNS object (CNI spec 1.1, section 5). */
export const DnsSchema = Type.Object({
  nameservers: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  domain: Type.Optional(Type.String()),
  search: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  options: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
});

/** bit/s or bits; no double holds a larger one exactly. */
const WholeNumberSchema = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** The CNI capability `bandwidth`; ingress is traffic to the pod. 0 or missing: nothing is asked for. */
const BandwidthSchema = Type.Object({
  ingress_rate: Type.Optional(WholeNumberSchema),
  ingress_burst: Type.Optional(WholeNumberSchema),
  egress_rate: Type.Optional(WholeNumberSchema),
  egress_burst: Type.Optional(WholeNumberSchema),
});

/** ADD and DEL, of our own interfaces and of a delegate's. */
export const CniRequestSchema = Type.Object({
  /** `type` of the network configuration: `kube-ovn`, or the plugin that delegates IPAM to us. */
  cni_type: Type.String(),
  pod_name: Type.String(),
  pod_namespace: Type.String(),
  container_id: Type.String(),
  /** Path of the sandbox's network namespace; empty on a DEL whose namespace is gone. */
  net_ns: Type.String(),
  if_name: Type.String(),
  provider: Type.String(),
  routes: Type.Optional(Type.Union([Type.Array(RouteSchema), Type.Null()])),
  dns: Type.Optional(DnsSchema),
  vf_driver: Type.Optional(Type.String()),
  deviceID: Type.Optional(Type.String()),
  vhost_user_socket_volume_name: Type.Optional(Type.String()),
  vhost_user_socket_name: Type.Optional(Type.String()),
  vhost_user_socket_consumption: Type.Optional(Type.String()),
  /** Ours: K8S_POD_UID of CNI_ARGS, empty or missing where the runtime does not say it. */
  pod_uid: Type.Optional(Type.String()),
  /** Ours: `name` of the network configuration, empty or missing where it has none. */
  network: Type.Optional(Type.String()),
  /** Ours: `runtimeConfig.bandwidth`, on the ADD of an interface that we make. */
  bandwidth: Type.Optional(BandwidthSchema),
  /** Ours: the network's interfaces may configure themselves from router advertisements. */
  accept_ra: Type.Optional(Type.Boolean()),
  /** Ours: the network's interfaces have an IPv6 link-local address also where they have IPv4 only. */
  ipv6_link_local: Type.Optional(Type.Boolean()),
  /**
   * Ours: the executable has seen to it that an interface which is made in the sandbox now may
   * have IPv6, and takes router advertisements only where `accept_ra` asks for it.
   */
  ipv6_prepared: Type.Optional(Type.Boolean()),
  /**
   * Ours: the MAC addresses that a plugin which delegates to us was told to give its interface, on its
   * ADD; missing where it chooses one itself.
   */
  interface_macs: Type.Optional(Type.Array(Type.String())),
  /**
   * Ours: names this call in the daemon's log and in the details of its error; hexadecimal digits.
   * Missing where the executable has none: then the daemon chooses one.
   */
  operation_id: Type.Optional(Type.String()),
});
/** A body that CniRequestSchema takes. */
export type CniRequest = Static<typeof CniRequestSchema>;

/**
 * The result of an earlier ADD as CHECK gets it (`prevResult`), less what nobody compares, in one
 * form for all versions of the specification. It may have interfaces of other plugins.
 */
export const PrevResultSchema = Type.Object({
  interfaces: Type.Array(
    Type.Object({
      name: Type.String(),
      /** Empty where it is not said. */
      mac: Type.String(),
      /** Bytes; 0 where it is not said. */
      mtu: Type.Number(),
      /** Path of the network namespace; empty for an interface of the node. */
      sandbox: Type.String(),
    }),
  ),
  ips: Type.Array(
    Type.Object({
      /** With its prefix length. */
      address: Type.String(),
      /** Index in `interfaces`; missing where it is not said. */
      interface: Type.Optional(Type.Number()),
    }),
  ),
  routes: Type.Array(RouteSchema),
});
/** A result that PrevResultSchema takes. */
export type PrevResult = Static<typeof PrevResultSchema>;

/** Ours, as are the two below: CHECK. Answered by 204, or like a failed ADD. */
export const CheckRequestSchema = Type.Object({
  ...CniRequestSchema.properties,
  prev_result: PrevResultSchema,
});
/** A body that CheckRequestSchema takes. */
export type CheckRequest = Static<typeof CheckRequestSchema>;

/** GC. Answered by 204, or like a failed ADD. */
export const GcRequestSchema = Type.Object({
  cni_type: Type.String(),
  provider: Type.String(),
  /** `name` of the network configuration. */
  network: Type.String(),
  /** `cni.dev/valid-attachments`; missing where the runtime gives no list, which is no empty one. */
  valid_attachments: Type.Optional(
    Type.Array(Type.Object({ container_id: Type.String(), if_name: Type.String() })),
  ),
  /** As that of an ADD. */
  operation_id: Type.Optional(Type.String()),
});
/** A body that GcRequestSchema takes. */
export type GcRequest = Static<typeof GcRequestSchema>;

/** STATUS. Answered by 204, or like a failed ADD with `cni_error.code` 50 or 51. */
export const StatusRequestSchema = Type.Object({
  cni_type: Type.String(),
  provider: Type.String(),
});
/** A body that StatusRequestSchema takes. */
export type StatusRequest = Static<typeof StatusRequestSchema>;

/** One address of an interface. */
export const IpConfigSchema = Type.Object({
  protocol: Type.Union([Type.Literal('IPv4'), Type.Literal('IPv6')]),
  /** The address, without a mask. */
  ip: Type.String(),
  /** The subnet's CIDR, not the address's: its prefix length is the address's. */
  cidr: Type.String(),
  /** Only where this NIC holds the default route. */
  gateway: Type.Optional(Type.String()),
});

/** The answer to an ADD, and to any call that failed. */
export const CniResponseSchema = Type.Object({
  ips: Type.Union([Type.Array(IpConfigSchema), Type.Null()]),
  /** Empty where the daemon made no interface (IPAM). */
  mac_address: Type.String(),
  routes: Type.Union([Type.Array(RouteSchema), Type.Null()]),
  /** Bytes; 0 where the daemon made no interface. */
  mtu: Type.Number(),
  /** Name of the interface in the pod; empty where the daemon made none. */
  nicname: Type.String(),
  dns: DnsSchema,
  /** Empty on success. */
  error: Type.String(),
  /**
   * Ours: the gateways of the addresses' Subnet, one of a family at most. They ask for no route,
   * as `gateway` of an address in CNI's result does not; Kube-OVN's executable makes a default
   * route of each `gateway` above.
   */
  subnet_gateways: Type.Optional(Type.Array(Type.String())),
  /** Ours: the other end of the pod's veth pair, on the node. */
  host_interface: Type.Optional(
    Type.Object({
      name: Type.String(),
      /** Empty where it is not known. */
      mac: Type.String(),
    }),
  ),
  /** Ours: what a CNI error object says of this failure; Kube-OVN has only `error`. */
  cni_error: Type.Optional(
    Type.Object({ code: Type.Number(), msg: Type.String(), details: Type.String() }),
  ),
});
/** A route of a request or an answer. */
export type Route = Static<typeof RouteSchema>;
/** DNS settings of a network configuration, which the executable hands through to the result. */
export type Dns = Static<typeof DnsSchema>;
/** An address of an answer. */
export type IpConfig = Static<typeof IpConfigSchema>;
/** An answer that CniResponseSchema takes. */
export type CniResponse = Static<typeof CniResponseSchema>;
