#!/usr/bin/env node
/**
 * Plays Kube-OVN's own executable (Go) as far as a rollout meets it: ADD and DEL are one call of the
 * daemon over its socket; where that fails the error is 11, and nothing is recorded.
 */
const { request } = require('node:http');
const { text } = require('node:stream/consumers');

async function main() {
  const { CNI_COMMAND, CNI_ARGS = '', CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME } = process.env;
  const config = JSON.parse(await text(process.stdin));
  const words = Object.fromEntries(CNI_ARGS.split(';').map((pair) => pair.split('=')));
  const body = {
    cni_type: 'kube-ovn',
    container_id: CNI_CONTAINERID,
    if_name: CNI_IFNAME,
    net_ns: CNI_NETNS,
    pod_name: words.K8S_POD_NAME,
    pod_namespace: words.K8S_POD_NAMESPACE,
    provider: config.provider || 'ovn',
  };
  const answer = await post(config.server_socket, `/api/v1/${CNI_COMMAND.toLowerCase()}`, body);
  if (CNI_COMMAND !== 'ADD') return;
  const { ips, mac_address } = JSON.parse(answer);
  const interfaces = [{ name: CNI_IFNAME, mac: mac_address, sandbox: CNI_NETNS }];
  const addresses = ips.map(({ ip, cidr }) => ({
    address: `${ip}/${cidr.split('/')[1]}`,
    interface: 0,
  }));
  console.log(JSON.stringify({ cniVersion: config.cniVersion, interfaces, ips: addresses }));
}

function post(socketPath, path, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const call = request({ socketPath, path, method: 'POST', headers }, async (response) => {
      const answer = await text(response);
      if (response.statusCode < 300) resolve(answer);
      else reject(new Error(answer));
    });
    call.on('error', reject);
    call.end(JSON.stringify(body));
  });
}

main().catch(({ message }) => {
  console.log(JSON.stringify({ cniVersion: '1.0.0', code: 11, msg: message }));
  process.exitCode = 1;
});
