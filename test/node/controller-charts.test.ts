/**
 * The controller in the place of Kube-OVN's: with the arguments, the environment and the role that its
 * charts give it, and OVN's databases over TCP and over TLS.
 */
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTROLLER_RENDERINGS } from '../lab/chart-arguments.ts';
import { command } from '../lab/command.ts';
import { Controller } from '../lab/controller.ts';
import { FakeApiServer } from '../lab/kubernetes/api.ts';
import { CHART_CONTROLLER } from '../lab/kubernetes/chart-roles.ts';
import { OVS_DIRECTORY, OvnNode } from '../lab/ovn-node.ts';
import { createTls } from '../lab/ovsdb-server.ts';
import { NETWORKS } from './controller-manifests.ts';

const KUBECONFIG = '/run/kube/config';
/** Where the charts mount the Secret kube-ovn-tls. */
const TLS = '/var/run/tls';
const [TCP_PORT, TLS_PORT] = [6641, 6643];
const LOG_FILE = '/var/log/kube-ovn/kube-ovn-controller.log';
const PROVIDER = 'net.default.ovn';

let node: OvnNode;
let api: FakeApiServer;

beforeAll(async () => {
  node = await OvnNode.start();
  for (const folder of ['/var/log/kube-ovn', '/run/kube', TLS]) {
    await mkdir(folder, { recursive: true });
  }
  // For both ends: the certificate of the fake API server is good for servers only.
  const { privateKey, certificate, caCertificate } = await createTls('/run/kube');
  await copyFile(privateKey, `${TLS}/key`);
  await copyFile(certificate, `${TLS}/cert`);
  await copyFile(caCertificate, `${TLS}/cacert`);
  await restartNorthbound();
  api = await FakeApiServer.start();
  await api.writeKubeconfig(KUBECONFIG, CHART_CONTROLLER);
  for (const name of ['default', 'kube-system']) {
    api.create({ kind: 'Namespace', metadata: { name } });
  }
  api.create({
    kind: 'NetworkAttachmentDefinition',
    metadata: { name: 'net', namespace: 'default' },
    spec: { config: JSON.stringify({ type: 'kube-ovn', provider: PROVIDER }) },
  });
  const spec = { provider: PROVIDER, cidrBlock: '10.1.0.0/16' };
  api.create({ kind: 'Subnet', metadata: { name: 'net' }, spec });
});
afterAll(async () => {
  await node.stop();
  await api.close();
});

/** With ports of both kinds, as ovn-central's start script has it. */
async function restartNorthbound(): Promise<void> {
  await node.killPart('nb', 'SIGTERM');
  const name = `${OVS_DIRECTORY}/nb`;
  await command('ovsdb-server', [
    ...[`${name}.db`, `--remote=punix:${name}.sock`, `--unixctl=${name}.ctl`],
    ...[`--remote=ptcp:${TCP_PORT}:127.0.0.1`, `--remote=pssl:${TLS_PORT}:127.0.0.1`],
    ...[`--private-key=${TLS}/key`, `--certificate=${TLS}/cert`, `--ca-cert=${TLS}/cacert`],
    ...[`--pidfile=${name}.pid`, '--detach', `--log-file=${name}.log`, '-vconsole:off'],
  ]);
}

interface Place {
  readonly flags: readonly string[];
  readonly isTls: boolean;
  /** Of the pod. */
  readonly address: string;
}

function optionsOf({ flags, isTls, address }: Place) {
  return {
    kubeconfig: KUBECONFIG,
    northbound: undefined,
    hasProbes: true,
    podName: `kube-ovn-controller-${address}`,
    flags,
    environment: {
      OVN_DB_IPS: '127.0.0.1',
      KUBE_OVN_NB_PORT: String(isTls ? TLS_PORT : TCP_PORT),
      ENABLE_SSL: String(isTls),
      ENABLE_BIND_LOCAL_IP: 'true',
      POD_IP: address,
      POD_IPS: address,
    },
  };
}

/** What the kubelet's probes are answered. */
async function probes(address: string): Promise<Record<string, number>> {
  const paths = ['/livez', '/readyz', '/healthz'];
  const statuses = paths.map(async (path) => {
    const response = await fetch(`http://${address}:10660${path}`);
    return [path, response.status] as const;
  });
  return Object.fromEntries(await Promise.all(statuses));
}
/** The kubelet asks again: a program says what it does a moment before its port is open, or after. */
async function expectFine(address: string): Promise<void> {
  const answers = () => probes(address).catch(() => undefined);
  await expect.poll(answers, { timeout: 60_000 }).toEqual(FINE);
}
const FINE = { '/livez': 200, '/readyz': 200, '/healthz': 200 };

async function annotated(name: string, provider: string): Promise<string> {
  const key = `${provider}.kubernetes.io/ip_address`;
  const pod = await api.until('Pod', `default/${name}`, ({ metadata }) => {
    return metadata.annotations?.[key] !== undefined;
  });
  return pod.metadata.annotations?.[key] ?? '';
}

const cases = CONTROLLER_RENDERINGS.flatMap((rendered, index) =>
  [false, true].map((isTls) => ({ ...rendered, isTls, index, database: isTls ? 'TLS' : 'TCP' })),
);

describe.each(cases)(
  'as chart $chart has it, OVN over $database',
  ({ flags, isTls, isPrimary, index }) => {
    const place = { flags, isTls, address: '127.0.0.1' };
    const name = `pod-${index}-${isTls ? 'tls' : 'tcp'}`;

    test('it leads, hands out addresses, and is live and ready; so is one that stands by', async () => {
      const controller = await Controller.start(optionsOf(place));
      try {
        await expectFine('127.0.0.1');
        const address = '127.0.0.2';
        const standby = await Controller.standBy(optionsOf({ ...place, address }));
        await expectFine(address).finally(() => standby.stop());
        const annotations = { [NETWORKS]: 'net' };
        const metadata = { name, namespace: 'default', annotations };
        api.create({ kind: 'Pod', metadata, spec: { nodeName: 'node1', containers: [] } });
        expect(await annotated(name, PROVIDER)).toMatch(/^10\.1\./);
        expect(await node.nbctl('lsp-list', 'net')).toContain(name);
        if (isPrimary) expect(await annotated(name, 'ovn')).toMatch(/^10\.16\./);
        else expect(await node.nbctl('lsp-list', 'net')).not.toContain(`${name}.default)`);
        await expectFine('127.0.0.1');
        // The role lacks watch on StatefulSets: that is told once, and nothing else is wrong.
        expect(controller.logLines('statefulsets.apps may not be watched')).toHaveLength(1);
        expect(controller.logLines('"level":50')).toEqual([]);
        // What kubectl ko log collects.
        const [last = ''] = controller.logLines('statefulsets.apps may not be watched');
        expect(await readFile(LOG_FILE, 'utf8')).toContain(last);
      } finally {
        await controller.stop();
      }
    });
  },
);

test('with a certificate that the database does not trust, the log says what is wrong', async () => {
  const other = `${TLS}/other`;
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  await command('openssl', [
    ...[...request, '-nodes', '-subj', '/CN=other', '-days', '2'],
    ...['-keyout', `${other}-key`, '-out', `${other}-cert`],
  ]);
  await command('cp', [`${other}-key`, `${TLS}/key`]);
  await command('cp', [`${other}-cert`, `${TLS}/cert`]);
  const [rendered] = CONTROLLER_RENDERINGS;
  const place = { flags: rendered?.flags ?? [], isTls: true, address: '127.0.0.1' };
  const controller = await Controller.start(optionsOf(place));
  try {
    await controller.logged("cannot reach OVN's northbound database");
    await expectFine('127.0.0.1');
  } finally {
    await controller.stop();
  }
});
