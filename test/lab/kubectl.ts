/** Plays `kubectl apply`. */
import { ApiRefusal, type FakeApiServer, type KubernetesObject } from './kubernetes/api.ts';
import { kindNamed } from './kubernetes/kinds.ts';
import { keyOf, type Metadata, type NewObject } from './kubernetes/object.ts';

/**
 * Makes an object as a manifest wants it, or changes it to that; one without a namespace is in
 * `default`. Fields that a manifest no longer has stay.
 * @throws ApiRefusal
 */
export function apply(api: FakeApiServer, manifest: NewObject): KubernetesObject {
  const kind = kindNamed(manifest.kind ?? '');
  const place = kind.namespaced ? { namespace: 'default' } : {};
  const metadata = { ...place, ...manifest.metadata } as Metadata;
  const object = { ...manifest, metadata };
  try {
    return api.create(object);
  } catch (error) {
    if (!(error instanceof ApiRefusal && error.code === 409)) throw error;
    return api.patch(kind.kind, keyOf(metadata), object);
  }
}
