/** The process of a FarNode: it does what it is told, in the namespaces in which it was started. */
import { writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { command } from './command.ts';
import { Daemon } from './daemon.ts';
import type { FarAnswer, FarCall, FarNodeOptions } from './far-node.ts';
import { OvnNode } from './ovn-node.ts';
import {
  cni,
  createSandbox,
  deleteSandbox,
  inSandbox,
  type NetworkConfig,
  type Sandbox,
} from './runtime.ts';
import { relayTcp } from './tcp-relay.ts';
import { joinUnderlay, UNDERLAY } from './underlay-port.ts';
import { readyCard } from './wire.ts';

const KUBECONFIG = '/run/kubeconfig';

interface FarPod {
  readonly sandbox: Sandbox;
  readonly interfaces: readonly (readonly [ifName: string, config: NetworkConfig])[];
}

interface Parts {
  readonly node: OvnNode;
  readonly daemon: Daemon;
  readonly relay: Server;
}

let parts: Parts | undefined;
const pods = new Map<string, FarPod>();

process.on('message', (call: FarCall) => {
  answer(call).then(
    (value) => reply({ value: value ?? null }),
    (error: Error) => reply({ error: error.stack ?? error.message }),
  );
});
reply({ value: 'here' });

function reply(answer: FarAnswer): void {
  process.send?.(answer);
}

async function answer(call: FarCall): Promise<unknown> {
  switch (call.what) {
    case 'start':
      return await start(call.options);
    case 'pod':
      return await run(call.pod, call.interfaces);
    case 'inPod': {
      const found = pods.get(call.name);
      if (found === undefined) throw new Error(`no pod ${call.name}`);
      return await inSandbox(found.sandbox, ...call.argv);
    }
    case 'onNode': {
      const [file, ...args] = call.argv;
      return await command(file, args);
    }
    case 'endPods':
      return await endPods();
    case 'stop':
      return await stop();
  }
}

async function start(options: FarNodeOptions): Promise<void> {
  const { name, address, nearAddress, southboundPort, apiPort } = options;
  const node = await OvnNode.start(name);
  await joinUnderlay(node, UNDERLAY.far, address);
  for (const card of options.cards ?? []) await readyCard(card);
  const remote = `tcp:${nearAddress}:${southboundPort}`;
  await node.vsctl('set', 'Open_vSwitch', '.', `external_ids:ovn-remote="${remote}"`);
  const relay = await relayTcp(
    { host: '127.0.0.1', port: apiPort },
    { host: nearAddress, port: apiPort },
  );
  await writeFile(KUBECONFIG, options.kubeconfig, { mode: 0o600 });
  const daemon = await Daemon.start({
    kubeconfig: KUBECONFIG,
    nodeName: name,
    flags: options.daemonFlags,
  });
  parts = { node, daemon, relay };
}

async function run(pod: Sandbox['pod'], interfaces: FarPod['interfaces']): Promise<unknown> {
  const sandbox = await createSandbox(pod);
  pods.set(pod.name, { sandbox, interfaces });
  const results: unknown[] = [];
  for (const [ifName, config] of interfaces) {
    const { exitCode, result, stderr } = await cni('ADD', sandbox, ifName, config);
    if (exitCode !== 0) throw new Error(`ADD of ${ifName}: ${JSON.stringify(result)}${stderr}`);
    results.push(result);
  }
  return results;
}

async function endPods(): Promise<void> {
  for (const { sandbox, interfaces } of pods.values()) {
    for (const [ifName, config] of [...interfaces].reverse()) {
      const { exitCode, result } = await cni('DEL', sandbox, ifName, config);
      if (exitCode !== 0) throw new Error(`DEL of ${ifName}: ${JSON.stringify(result)}`);
    }
    await deleteSandbox(sandbox);
  }
  pods.clear();
}

async function stop(): Promise<void> {
  await parts?.daemon.stop();
  await parts?.node.stop();
  parts?.relay.close();
  // The answer goes first.
  setImmediate(() => process.disconnect());
}
