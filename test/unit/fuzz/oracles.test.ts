/** What the fuzz targets measure by: right command lines pass, and what is smuggled in does not. */
import { describe, expect, it } from 'vitest';
import { checkCniOutput } from '../../fuzz/oracles/cni-output.ts';
import { checkToolRun } from '../../fuzz/oracles/command-lines.ts';
import { checkAnswer } from '../../fuzz/oracles/daemon-answer.ts';
import { checkIpLine } from '../../fuzz/oracles/ip-lines.ts';
import { checkVsctlCommands } from '../../fuzz/oracles/vsctl-commands.ts';

describe('a line for ip', () => {
  it.each([
    'link add c0ffee012345_h mtu 1400 txqueuelen 1000 type veth peer name eth0 netns /run/netns/a address 00:00:00:53:6b:b6 mtu 1400',
    'link add c0ffee012345_h txqueuelen 1000 type veth peer name eth0 netns /run/netns/a',
    'link set c0ffee012345_h addrgenmode none alias kube-ovn/c0ffee/eth0/ovn/net up',
    'link set dev eth0 addrgenmode none alias c0ffee012345_c up',
    'address add fd00::5/64 dev eth0 nodad',
    'address add 10.16.0.5/30 broadcast + dev eth0',
    'route replace 0.0.0.0/0 via 10.16.0.1 dev eth0',
    'link delete dev c0ffee012345_h',
  ])('%j is right', (line) => {
    expect(() => checkIpLine(line)).not.toThrow();
  });

  it.each([
    'link delete dev all',
    'link delete dev if7_h',
    'link delete dev -h',
    'link delete dev a b',
    'link delete dev a#b',
    'link delete dev a"b',
    'link delete group 0',
    'link set dev eth0 down',
    'address add 10.1/16 dev eth0',
    'address add 010.1.1.1/16 dev eth0',
    'address add fe80::1%eth0/64 dev eth0',
    'address add 10.16.0.5/33 dev eth0',
    'address add 10.16.0.5/31 broadcast + dev eth0',
    'address add fd00::5/30 broadcast + dev eth0',
    'route replace default via 10.16.0.1 dev eth0',
    'route replace 10.0.0.0/8 via router dev eth0',
    'route replace 10.0.0.0/8 dev eth0\nlink delete dev eth0',
    'link add c0ffee012345_h txqueuelen 1000 type veth peer name eth0 netns ../a',
    'link add c0ffee012345_h txqueuelen 1000 type veth peer name eth0 netns 1',
    '',
  ])('%j is wrong', (line) => {
    expect(() => checkIpLine(line)).toThrow();
  });
});

describe('commands of ovs-vsctl', () => {
  const UUID = '00000001-0000-4000-8000-000000000000';
  const SUFFIX = UUID.replaceAll('-', '_');
  const CREATE_QUEUE = ['--', `--id=@queue_${SUFFIX}`, 'create', 'Queue', 'other_config:burst=0'];
  const create = (...columns: string[]) => [
    '--',
    '--id=@interface',
    'create',
    'Interface',
    ...columns,
  ];

  it.each([
    [create('name="c0ffee012345_h"', 'external_ids:pod_netns="/run/netns/a"')],
    [create('external_ids:ip="10.16.0.5,fd00::5"', 'ingress_policing_rate=3000')],
    [create('external_ids:bandwidth="ingress=5/6,egress=7"')],
    [['--', '--if-exists', 'destroy', 'QoS', UUID]],
    [['--', '--id=@qos', 'create', 'QoS', 'type=linux-netem', 'other_config:loss=0.5']],
    [[...CREATE_QUEUE, '--', 'set', 'QoS', UUID, `queues:0=@queue_${SUFFIX}`]],
    [['--', 'set', 'Port', UUID, `qos=@qos_${SUFFIX}`]],
    [['--', 'set', 'Interface', UUID, 'ingress_policing_rate=0', 'ingress_policing_burst=0']],
    [['--', '--if-exists', 'add', 'Mirror', UUID, 'select_dst_port', '@port']],
    [['--', '--if-exists', '--columns=name,external_ids', 'list', 'Interface', 'a_h', 'b_h']],
  ])('%j are right', (words) => {
    expect(() => checkVsctlCommands(words)).not.toThrow();
  });

  it.each([
    [['del-br', 'br-int']],
    [['--', 'del-br', 'br-int']],
    [create('name=c0ffee012345_h')],
    [create('name="c0ffee012345_h", "b"')],
    [create('name="--"')],
    [create('name="a_h"', '--', 'del-br', 'br-int')],
    [create('external_ids:pod_netns="a\nb"')],
    [create('external_ids:pod_netns="/run/../a"')],
    [create('external_ids:ip="10.1"')],
    [create('external_ids:other="a"')],
    [create('external_ids:constructor="a"')],
    [create('ingress_policing_rate=1e3')],
    [create('mtu_request=9000')],
    [create('external_ids:bandwidth="ingress=5, egress=7"')],
    [['--', '--id=@qos', 'create', 'QoS', 'type=linux-hfsc']],
    [['--', '--id=@qos', 'create', 'QoS', 'other_config:loss=1e-7']],
    [['--', '--id=@qos_1', 'create', 'QoS', 'type=linux-htb']],
    [['--', '--id=@port', 'create', 'QoS', 'type=linux-htb']],
    [['--', 'set', 'Queue', UUID, 'other_config:max-rate=5']],
    [['--', 'set', 'Port', 'a_h', `qos=@qos_${SUFFIX}`]],
    [['--', 'set', 'Port', UUID, 'qos=@queue']],
    [['--', 'add', 'Mirror', 'm0', 'select_dst_port', UUID]],
    [['--', '--if-exists', 'destroy', 'QoS', '--all']],
    [['--', '--if-exists', '--columns=name', 'list', 'Interface', '--', 'emer-reset']],
    [['--', '--if-exists', '--columns=name', 'list', 'Interface', 'we ird']],
  ])('%j are wrong', (words) => {
    expect(() => checkVsctlCommands(words)).toThrow();
  });
});

describe('a run of a tool', () => {
  const run = (tool: string, ...args: string[]) => ({ tool, args, stdin: '' });

  it.each([
    run('nsenter', '--net=/run/netns/a', 'ethtool', '-K', 'eth0', 'tx', 'off'),
    run('arping', '-f', '-w', '600', '-I', 'eth0', '10.16.0.1'),
    run(
      'sysctl',
      '-q',
      '-w',
      'net/ipv6/conf/eth0/disable_ipv6=0',
      'net/ipv6/conf/eth0/accept_ra=0',
    ),
    { ...run('ip', '-force', '-batch', '-'), stdin: 'link delete dev a_h\n' },
  ])('%j is right', (one) => {
    expect(() => checkToolRun(one)).not.toThrow();
  });

  it.each([
    run('nsenter', '--net=/run/netns/a', 'sh', '-c', 'true'),
    run('nsenter', '--net=/run/netns/a', '-t', '1'),
    run('nsenter', '--net=a'),
    run('nsenter', '-t', '1', 'true'),
    run('sh', '-c', 'true'),
    run('constructor'),
    run('arping', '-f', '-w', '600', '-I', 'eth0', 'fd00::1'),
    run('arping', '-f', '-w', '600', '-I', '-i', '10.16.0.1'),
    run('sysctl', '-q', '-w', 'net/ipv6/conf/all/disable_ipv6=0', 'net/ipv6/conf/all/accept_ra=0'),
    run('ip', 'link', 'delete', 'eth0'),
    { ...run('ip', '-batch', '-'), stdin: 'link delete dev a_h' },
    { ...run('ip', '-batch', '-'), stdin: 'link delete dev a_h\n\nlink delete dev b_h\n' },
    { ...run('ethtool', '-K', 'eth0', 'tx', 'off'), stdin: 'a' },
    run(
      'ovs-vsctl',
      '--db=unix:/run/db.sock',
      '--oneline',
      '--',
      '--if-exists',
      'get',
      'Bridge',
      'br-int',
      'name',
    ),
  ])('%j is wrong', (one) => {
    expect(() => checkToolRun(one)).toThrow();
  });
});

describe('output of the executable', () => {
  const NIC = { name: 'eth0', mac: '00:00:00:53:6b:b6', sandbox: '/run/netns/a' };
  const RESULT = {
    cniVersion: '1.0.0',
    interfaces: [NIC],
    ips: [{ interface: 0, address: '10.16.0.5/16' }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.16.0.1' }],
  };
  const ERROR = { cniVersion: '1.0.0', code: 7, msg: 'wrong', details: '' };
  const outcome =
    (exitCode: number, output: unknown, command = 'ADD') =>
    () =>
      checkCniOutput({ exitCode, stdout: JSON.stringify(output) }, command);

  it('is a result, an error, or nothing', () => {
    expect(outcome(0, RESULT)()).toBe('accepted');
    expect(outcome(1, ERROR)()).toBe('error 7');
    expect(checkCniOutput({ exitCode: 0, stdout: '' }, 'DEL')).toBe('accepted');
  });

  it.each([
    outcome(0, { ...RESULT, cniVersion: '2.0.0' }),
    outcome(0, { ...RESULT, extra: 1 }),
    outcome(0, { ...RESULT, ips: [{ interface: 0, address: '10.16.0.5' }] }),
    outcome(0, { ...RESULT, ips: [{ interface: 1, address: '10.16.0.5/16' }] }),
    outcome(0, { ...RESULT, ips: [{ interface: 0, address: '10.1/16' }] }),
    outcome(0, { ...RESULT, ips: [{ interface: 0, address: '10.16.0.5/16', gateway: 'fd00::1' }] }),
    outcome(0, { ...RESULT, routes: [{ dst: 'default' }] }),
    outcome(0, { ...RESULT, interfaces: [{ ...NIC, mtu: 1400 }] }),
    outcome(0, { ...RESULT, dns: { nameservers: [1] } }),
    outcome(0, { ...RESULT, dns: {} }),
    outcome(0, { ...RESULT, cniVersion: '0.2.0' }),
    outcome(0, RESULT, 'DEL'),
    outcome(1, RESULT),
    outcome(1, { ...ERROR, code: 0 }),
    outcome(1, { ...ERROR, code: '7' }),
    outcome(1, { ...ERROR, code: 999 }),
    outcome(1, { ...ERROR, msg: '' }),
    outcome(1, { ...ERROR, msg: 'x'.repeat(20_000) }),
    outcome(2, ERROR),
    () => checkCniOutput({ exitCode: 1, stdout: 'Error: at main.ts' }, 'ADD'),
    () => checkCniOutput({ exitCode: 0, stdout: '' }, 'ADD'),
  ])('is nothing else (%#)', (check) => {
    expect(check).toThrow();
  });
});

describe('an answer of the daemon', () => {
  const FAILURE = {
    ...{ ips: null, mac_address: '', routes: null, mtu: 0, nicname: '', dns: {} },
    error: 'ADD: wrong; look there',
    cni_error: { code: 7, msg: 'ADD: wrong', details: 'look there' },
  };
  const answer = (status: number, body: object) => () =>
    checkAnswer({ status, contentType: 'application/json', body: JSON.stringify(body) });

  it('is a body that executables read', () => {
    expect(answer(400, FAILURE)()).toBe('error 7');
    expect(checkAnswer({ status: 204, contentType: '', body: '' })).toBe('accepted');
  });

  it.each([
    answer(500, FAILURE),
    answer(200, FAILURE),
    answer(400, { ...FAILURE, error: 'other' }),
    answer(400, { ...FAILURE, cni_error: undefined }),
    answer(400, { ...FAILURE, ips: [] }),
    answer(400, { ...FAILURE, error: 'a\nb', cni_error: { code: 7, msg: 'a\nb', details: '' } }),
    answer(400, {
      ...FAILURE,
      error: 'a\u202eb',
      cni_error: { code: 7, msg: 'a\u202eb', details: '' },
    }),
    answer(500, { statusCode: 500, error: 'Internal Server Error', message: 'x' }),
    () => checkAnswer({ status: 204, contentType: '', body: 'x' }),
    () => checkAnswer({ status: 400, contentType: 'text/plain', body: JSON.stringify(FAILURE) }),
  ])('is nothing else (%#)', (check) => {
    expect(check).toThrow();
  });
});
