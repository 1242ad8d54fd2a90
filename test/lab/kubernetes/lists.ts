/**
 * Lists of the fake API server, in pages.
 */
import { isCustom, type Kind } from './kinds.ts';
import type { KubernetesObject } from './object.ts';
import { predicateOf, type Selection } from './selectors.ts';
import { ApiRefusal } from './status.ts';
import type { ObjectStore } from './store.ts';

export interface ListOptions extends Selection {
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
}

interface Rest {
  readonly version: string;
  readonly items: KubernetesObject[];
}

export class Lists {
  readonly #store: ObjectStore;
  /** By continue token: what is left of a list, as it was when its first page was read. */
  readonly #rests = new Map<string, Rest>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Lists that are being read cannot go on. */
  compact(): void {
    this.#rests.clear();
  }

  /** @throws ApiRefusal 400 for a wrong selector, 410 for a forgotten token, 504 for the future */
  list(kind: Kind, options: ListOptions): object {
    const { version, items } = this.#read(kind, options);
    // The real server answers "any version" from its memory, and in whole.
    const isPaged = (options.limit ?? 0) > 0 && options.resourceVersion !== '0';
    const page = isPaged ? items.slice(0, options.limit) : items;
    const rest = items.slice(page.length);
    const metadata: Record<string, unknown> = { resourceVersion: version };
    if (rest.length > 0) {
      metadata.continue = this.#keep({ version, items: rest });
      if (!options.fieldSelector && !options.labelSelector)
        metadata.remainingItemCount = rest.length;
    }
    return {
      kind: `${kind.kind}List`,
      apiVersion: kind.apiVersion,
      metadata,
      items: isCustom(kind) ? page : page.map(withoutType),
    };
  }

  #read(kind: Kind, options: ListOptions): Rest {
    if (options.continue !== undefined) {
      const rest = this.#rests.get(options.continue);
      if (rest !== undefined) return rest;
      throw new ApiRefusal(
        410,
        'The provided continue parameter is too old to display a consistent list result',
      );
    }
    const { version } = this.#store;
    if (Number(options.resourceVersion ?? 0) > version) {
      throw new ApiRefusal(
        504,
        `Too large resource version: ${options.resourceVersion}, current: ${version}`,
      );
    }
    const isSelected = predicateOf(kind, options);
    const objects = this.#store.all(kind).map(([, object]) => object);
    return { version: String(version), items: objects.filter(isSelected) };
  }

  #keep(rest: Rest): string {
    const token = Buffer.from(`${rest.version}:${this.#rests.size}`).toString('base64url');
    this.#rests.set(token, rest);
    return token;
  }
}

/** Items of built-in kinds carry no type of their own in a list. */
function withoutType({ apiVersion, kind, ...object }: KubernetesObject): object {
  return object;
}
