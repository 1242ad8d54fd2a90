/**
 * Whose the pods' primary network is. With `--non-primary-cni-mode` the network of provider `ovn` on a
 * pod's default interface is another plugin's: this daemon neither waits for it nor makes it, and says
 * which file makes the runtime ask. A pod that has it all the same keeps it: one that was made while
 * Kube-OVN was primary, and one whose NetworkAttachmentDefinition attaches that network by name.
 */
import { PRIMARY_PROVIDER } from '../../common/names.ts';
import { plain } from '../../common/text.ts';
import { NotPrimary } from '../call/error.ts';
import { isAllocated, keyPrefix } from '../model/annotation-keys.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import type { Pod } from '../model/pod.ts';
import { filesAskingForPrimary } from './cni-configurations.ts';

/** The interface that kubelet's runtimes ask for first: containerd and CRI-O name it so. */
const DEFAULT_INTERFACE = 'eth0';

/** Whose the primary network is, as the flags say. */
export interface PrimaryNetworkOptions {
  readonly isPrimary: boolean;
  /** Where the runtime of this node looks for network configurations. */
  readonly configFolder: string;
}

/** Decides for each ADD and CHECK of provider `ovn` whether it is this daemon's. */
export class PrimaryNetwork {
  readonly #options: PrimaryNetworkOptions;

  constructor(options: PrimaryNetworkOptions) {
    this.#options = options;
  }

  /** True where this daemon makes the pods' primary interfaces. */
  get isOurs(): boolean {
    return this.#options.isPrimary;
  }

  /**
   * For an ADD or a CHECK, as soon as its pod is known.
   * @throws NotPrimary (7) for another plugin's network
   */
  refuse(attachment: LiveAttachment, pod: Pod): void {
    const { provider, ifName, ipamOnly } = attachment;
    if (this.isOurs || ipamOnly || provider !== PRIMARY_PROVIDER) return;
    if (isAllocated(pod.annotations, keyPrefix(pod.annotations, provider, ifName))) return;
    // Its answer from the controller may be on its way. A pod's author who lies waits in vain.
    if (ifName === DEFAULT_INTERFACE ? pod.asksForDefaultNetwork : pod.asksForNetworks) return;
    throw new NotPrimary(this.#message(), this.#advice());
  }

  /**
   * Why no ADD of a network would be served, in the same words.
   * @returns undefined for a network that is ours
   */
  failure(provider: string): { readonly message: string; readonly advice: string } | undefined {
    if (this.isOurs || provider !== PRIMARY_PROVIDER) return undefined;
    return { message: this.#message(), advice: this.#advice() };
  }

  /** Files that make the runtime ask though nobody is to; none where the network is ours. */
  filesAtFault(): string[] {
    return this.isOurs ? [] : filesAskingForPrimary(this.#options.configFolder);
  }

  #message(): string {
    const { configFolder } = this.#options;
    const files = this.filesAtFault().map((name) => plain(`${configFolder}/${name}`));
    const who =
      files.length === 0
        ? `a configuration in ${configFolder} with type kube-ovn and no provider`
        : files.join(' and ');
    return `this node's Kube-OVN is not primary: network ovn is another plugin's; ${who} makes the runtime ask`;
  }

  #advice(): string {
    return `remove that file on the node, so that the primary plugin's is the first in ${this.#options.configFolder}; or start kube-ovn-cni without --non-primary-cni-mode`;
  }
}
