/** Who may do what at the fake API server: the two programs as much as their roles say. */
import { describe, expect, it } from 'vitest';
import * as installed from '../../lab/kubernetes/accounts.ts';
import { type Account, ADMIN } from '../../lab/kubernetes/api.ts';
import { isAllowed } from '../../lab/kubernetes/rbac.ts';
import type { RequestVerb } from '../../lab/kubernetes/requests.ts';
import { refusedUses, unusedGrants } from '../../lab/kubernetes/role-use.ts';
import { Client, PODS, pod, SUBNETS } from './support.ts';

/** Copies, which may ask for what is not granted: see isInstalled. */
const CONTROLLER = { ...installed.CONTROLLER };
const DAEMON = { ...installed.DAEMON };

async function ask(client: Client, account: Account, method: string, path: string, body?: object) {
  const token = client.server.tokenOf(account);
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  return await client.send(method, path, method === 'GET' ? undefined : body, headers);
}

describe('what is not granted is refused in the words of the real server', () => {
  it.each([
    [
      'POST',
      PODS,
      'pods is forbidden: User "system:serviceaccount:kube-system:kube-ovn-cni" cannot create resource "pods" in API group "" in the namespace "default"',
    ],
    [
      'DELETE',
      `${SUBNETS}/join`,
      'subnets.kubeovn.io "join" is forbidden: User "system:serviceaccount:kube-system:kube-ovn-cni" cannot delete resource "subnets" in API group "kubeovn.io" at the cluster scope',
    ],
    [
      'PUT',
      `${SUBNETS}/join/status`,
      'subnets.kubeovn.io "join" is forbidden: User "system:serviceaccount:kube-system:kube-ovn-cni" cannot update resource "subnets/status" in API group "kubeovn.io" at the cluster scope',
    ],
    [
      'GET',
      '/apis/apps/v1/statefulsets?watch=true',
      'statefulsets.apps is forbidden: User "system:serviceaccount:kube-system:kube-ovn-cni" cannot watch resource "statefulsets" in API group "apps" at the cluster scope',
    ],
  ])('%s %s', async (method, path, message) => {
    await using client = await Client.start();
    const { code, body } = await ask(client, DAEMON, method, path, {});
    expect(code).toBe(403);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Forbidden', code: 403, message });
  });

  it('whatever there is: whether an object exists is not told', async () => {
    await using client = await Client.start();
    client.server.create(pod('a'));
    const codes = ['a', 'b'].map(async (name) => {
      return (await ask(client, DAEMON, 'DELETE', `${PODS}/${name}`)).code;
    });
    expect(await Promise.all(codes)).toEqual([403, 403]);
  });

  it('nor whether there is such a kind', async () => {
    await using client = await Client.start({ withoutKinds: ['VirtualMachine'] });
    const machines = '/apis/kubevirt.io/v1/virtualmachines';
    for (const path of [machines, '/apis/nobody.io/v1/namespaces/a/things/b/log']) {
      expect((await ask(client, DAEMON, 'GET', path)).code).toBe(403);
      const { code, body } = await ask(client, ADMIN, 'GET', path);
      expect([code, body.message]).toEqual([404, '404 page not found\n']);
    }
    const instances = '/apis/kubevirt.io/v1/virtualmachineinstances';
    expect((await ask(client, ADMIN, 'GET', instances)).code).toBe(200);
    const machine = { kind: 'VirtualMachine', metadata: { name: 'a', namespace: 'default' } };
    expect(() => client.server.create(machine)).toThrow('without VirtualMachine');
  });

  it('to whom bears no token, too', async () => {
    await using client = await Client.start();
    const { code, body } = await client.send('GET', PODS, undefined, { Authorization: '' });
    expect([code, body.reason]).toEqual([401, 'Unauthorized']);
  });
});

describe('a Role', () => {
  const LEASES = '/apis/coordination.k8s.io/v1/namespaces';
  it('counts in its namespace only', async () => {
    await using client = await Client.start();
    const get = (namespace: string) =>
      ask(client, CONTROLLER, 'GET', `${LEASES}/${namespace}/leases/x`);
    expect((await get('kube-system')).code).toBe(404);
    expect((await get('default')).body.message).toContain('in the namespace "default"');
  });
});

describe('rules', () => {
  const allowed = (verb: RequestVerb, resource: string, name: string) => {
    const rule = { apiGroups: [''], resources: ['secrets', 'pods/*'], verbs: ['get', 'list'] };
    const grants = [{ rules: [{ ...rule, resourceNames: ['one'] }] }];
    return isAllowed(
      { user: 'u', grants },
      { verb, apiGroup: '', resource, namespace: 'default', name },
    );
  };

  it('with names grant those alone, and no collection', () => {
    expect(allowed('get', 'secrets', 'one')).toBe(true);
    expect(allowed('get', 'secrets', 'two')).toBe(false);
    expect(allowed('list', 'secrets', '')).toBe(false);
  });

  it('of the administrator grant all', () => {
    const attributes = { apiGroup: 'a', resource: 'b/c', namespace: '', name: 'd' };
    expect(isAllowed(ADMIN, { verb: 'delete', ...attributes })).toBe(true);
  });
});

describe('what of a role is used', () => {
  it('is compared with what is granted, verb by verb', () => {
    const rule = { apiGroups: ['', 'apps'], resources: ['pods', 'pods/status'], verbs: ['get'] };
    const account = { user: 'u', grants: [{ rules: [rule] }] };
    const uses = new Set([
      'u get core pods',
      'u get apps pods/status',
      'other get core pods/status',
    ]);
    expect(unusedGrants(account, uses)).toEqual(['get core pods/status', 'get apps pods']);
  });

  it('is told from what was refused', () => {
    const uses = new Set(['u get core pods', 'refused: u list core pods']);
    expect(refusedUses(uses)).toEqual(['u list core pods']);
  });
});
