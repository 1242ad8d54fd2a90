/**
 * What a way of making a pod's interface consists of. A kind is one file in this folder, and one line in
 * the list of kinds.ts. Around a kind all is the same for all of them: the port on the integration bridge
 * with its limits (ownership/iface-id-owner.ts), the pod's addresses and routes (netns/link.ts), and the
 * order of the steps with what is undone when one fails (nic/place.ts).
 */
import type { LiveAttachment } from '../../model/attachment.ts';
import type { Difference } from '../../model/difference.ts';
import type { EarlierResult } from '../../model/earlier-result.ts';
import type { MarkedPort } from '../../ovs/marked-port.ts';

/** What a kind gets to know of a NIC. */
export interface LinkRequest {
  readonly attachment: LiveAttachment;
  /** Name of the interface on the node, which becomes the port. */
  readonly hostInterface: string;
  /** Undefined where the controller gave none: then the kernel chooses it. */
  readonly mac: string | undefined;
  /** Bytes. */
  readonly mtu: number;
  /** OVS forwards packets by its userspace datapath. */
  readonly isUserspaceDatapath: boolean;
}

/** What there is to be on the node and in the pod; decided before anything is made. */
export interface LinkPlan {
  readonly hostInterface: string;
  /** In the pod. */
  readonly ifName: string;
  readonly netns: string;
  readonly mac?: string;
  /** Bytes; 0 for the kernel's default. */
  readonly mtu: number;
  /** Alias of the interface on the node, by which it is recognised; empty for none. */
  readonly mark: string;
  /** The port needs checksums that the pod has filled in itself. */
  readonly needsChecksums: boolean;
}

/** One way of making an interface. */
export interface NicKind {
  /** Value of the annotation `pod_nic_type` that asks for it. */
  readonly nicType: string;
  plan(request: LinkRequest): LinkPlan;
  /**
   * Makes the interface, under its final name at both ends; it is no port yet, and has no address.
   * @param made is called with how to remove it, unless it is certain that there is nothing to remove
   * @throws CniError 4 where the pod already has an interface of that name
   */
  create(plan: LinkPlan, made: (remove: () => Promise<void>) => void): Promise<void>;
  /** What the pod's end needs beside addresses and routes; runs while its port is being made. */
  adjust(plan: LinkPlan): Promise<void>;
  /**
   * Removes interfaces of the node, with the pods' ends; one that is not there is fine.
   * @throws CniError 11 when the kernel refuses for another reason
   */
  remove(hostInterfaces: readonly string[]): Promise<void>;
  /**
   * How what is in the pod differs from what its ADD answered.
   * @param hostMtu of the interface on the node, where OVS knows it; bytes
   */
  check(
    attachment: LiveAttachment,
    earlier: EarlierResult,
    hostMtu: Promise<number | undefined>,
  ): Promise<Difference[]>;
  /**
   * The proof that a sandbox is gone, for ports whose network namespace is no longer mounted: those of
   * `ports` of which it holds.
   * @returns undefined where nothing can be proved here
   */
  abandoned(ports: readonly MarkedPort[]): Promise<readonly MarkedPort[] | undefined>;
}
