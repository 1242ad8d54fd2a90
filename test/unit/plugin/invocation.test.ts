import { describe, expect, it } from 'vitest';
import { commandOf, parseInvocation, podOf } from '../../../src/plugin/invocation.ts';
import { failureOf } from './attempt.ts';

const ENV = {
  CNI_CONTAINERID: 'ab12-_.x',
  CNI_NETNS: '/run/netns/pod',
  CNI_IFNAME: 'eth0',
};

describe('CNI_COMMAND', () => {
  it('is one of the verbs this executable has', () => {
    for (const command of ['ADD', 'CHECK', 'DEL', 'GC', 'STATUS', 'VERSION']) {
      expect(commandOf({ CNI_COMMAND: command })).toBe(command);
    }
  });

  it.each([undefined, '', 'add', 'UPDATE', '__proto__', 'toString'])(
    'is refused as %j with error 4, which says what is accepted',
    (command) => {
      const { code, msg, details } = failureOf(() => commandOf({ CNI_COMMAND: command }));
      expect(code).toBe(4);
      expect(msg).toContain('CNI_COMMAND');
      expect(details).toContain('VERSION, ADD, CHECK, DEL, GC, STATUS');
      expect(details).toContain(command === undefined ? 'nothing' : JSON.stringify(command));
    },
  );
});

describe('the variables that name the attachment', () => {
  it('become fields of the request that cannot be changed', () => {
    const invocation = parseInvocation('ADD', ENV);
    expect(invocation).toEqual({
      container_id: 'ab12-_.x',
      net_ns: '/run/netns/pod',
      if_name: 'eth0',
    });
    expect(Object.isFrozen(invocation)).toBe(true);
  });

  it('may lack the namespace on DEL only', () => {
    for (const netns of [undefined, '']) {
      expect(parseInvocation('DEL', { ...ENV, CNI_NETNS: netns }).net_ns).toBe('');
      for (const command of ['ADD', 'CHECK'] as const) {
        const env = { ...ENV, CNI_NETNS: netns };
        const { code, msg } = failureOf(() => parseInvocation(command, env));
        expect([code, msg]).toEqual([4, 'invalid environment variable CNI_NETNS']);
      }
    }
  });

  it.each(['GC', 'STATUS'] as const)('are not read on %s, which is about a network', (command) => {
    const env = { CNI_CONTAINERID: '../etc', CNI_IFNAME: 'a/b', CNI_ARGS: 'junk' };
    const named = { ...parseInvocation(command, env), ...podOf(command, env) };
    expect(new Set(Object.values(named))).toEqual(new Set(['']));
  });

  it.each([
    ['CNI_CONTAINERID', undefined],
    ['CNI_CONTAINERID', ''],
    ['CNI_CONTAINERID', '../etc'],
    ['CNI_CONTAINERID', '-a'],
    ['CNI_CONTAINERID', 'a b'],
    ['CNI_CONTAINERID', 'a\n'],
    ['CNI_CONTAINERID', 'a\0'],
    ['CNI_IFNAME', undefined],
    ['CNI_IFNAME', ''],
    ['CNI_IFNAME', 'sixteen-bytes-xx'],
    ['CNI_IFNAME', 'a/b'],
    ['CNI_IFNAME', '..'],
    ['CNI_IFNAME', 'eth0\0'],
    ['CNI_IFNAME', 'ä'],
    ['CNI_NETNS', '/run/netns/a\0b'],
    ['CNI_NETNS', `/${'n'.repeat(4096)}`],
  ] as const)('are refused with error 4, which names it, where %s is %j', (name, value) => {
    for (const command of ['ADD', 'CHECK', 'DEL'] as const) {
      const { code, msg } = failureOf(() => parseInvocation(command, { ...ENV, [name]: value }));
      expect([code, msg]).toEqual([4, `invalid environment variable ${name}`]);
    }
  });

  it('may be as long as the kernel takes', () => {
    const env = { ...ENV, CNI_IFNAME: 'fifteen-bytes-x', CNI_NETNS: `/${'n'.repeat(4095)}` };
    expect(parseInvocation('ADD', env)).toMatchObject({ if_name: 'fifteen-bytes-x' });
  });
});

describe('CNI_ARGS', () => {
  const POD = 'K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod';

  it('names the pod, with the UID where the runtime says it', () => {
    const args = `IgnoreUnknown=1;${POD};K8S_POD_INFRA_CONTAINER_ID=x;K8S_POD_UID=u-1`;
    const pod = { pod_name: 'pod', pod_namespace: 'ns' };
    expect(podOf('ADD', { CNI_ARGS: args })).toEqual({ ...pod, pod_uid: 'u-1' });
    expect(podOf('ADD', { CNI_ARGS: POD })).toEqual({ ...pod, pod_uid: '' });
  });

  it('may hold "=" in a value', () => {
    expect(podOf('ADD', { CNI_ARGS: `${POD};K8S_POD_UID=a=b==` }).pod_uid).toBe('a=b==');
  });

  it('counts the first value of a key that is not empty', () => {
    const args = 'K8S_POD_NAME=;K8S_POD_NAME=one;K8S_POD_NAME=two;K8S_POD_NAMESPACE=ns';
    expect(podOf('ADD', { CNI_ARGS: args }).pod_name).toBe('one');
  });

  it('does not mistake a key for another that ends like it', () => {
    const args = `XK8S_POD_NAME=wrong;K8S_POD_NAMES=wrong;;=;junk;${POD}`;
    expect(podOf('ADD', { CNI_ARGS: args })).toMatchObject({
      pod_name: 'pod',
      pod_namespace: 'ns',
    });
  });

  it.each([
    [undefined, 'K8S_POD_NAME'],
    ['', 'K8S_POD_NAME'],
    ['K8S_POD_NAMESPACE=ns', 'K8S_POD_NAME'],
    ['K8S_POD_NAME=;K8S_POD_NAMESPACE=ns', 'K8S_POD_NAME'],
    ['K8S_POD_NAME=pod', 'K8S_POD_NAMESPACE'],
  ])('is refused as %j with error 7, which names %s', (args, key) => {
    const { code, details } = failureOf(() => podOf('ADD', { CNI_ARGS: args }));
    expect(code).toBe(7);
    expect(details).toContain(`CNI_ARGS: expected ${key}=<value>`);
  });
});
