import { describe, expect, it } from 'vitest';
import { interfaceMacs } from '../../../src/plugin/interface-macs.ts';

const MACS = ['00:00:00:00:00:01', '00:00:00:00:00:02', '00:00:00:00:00:03', '00:00:00:00:00:04'];

describe('MAC addresses that a delegating plugin was told', () => {
  it('are found in all places where the plugins look', () => {
    const config = { runtimeConfig: { mac: MACS[2] }, args: { cni: { mac: MACS[3] } } };
    const env = { CNI_ARGS: `IgnoreUnknown=1;MAC=${MACS[0]};K8S_POD_NAME=MAC;MAC=${MACS[1]}` };
    expect(interfaceMacs(config, env)).toEqual(MACS);
  });

  it('are said once', () => {
    const config = { runtimeConfig: { mac: MACS[0] } };
    expect(interfaceMacs(config, { CNI_ARGS: `MAC=${MACS[0]}` })).toEqual([MACS[0]]);
  });

  it.each([
    {},
    { runtimeConfig: null, args: 'mac' },
    { runtimeConfig: { mac: 5 }, args: { cni: [] } },
    { runtimeConfig: { mac: '' }, args: { cni: { mac: null } } },
  ])('are none in %j', (config) => {
    expect(interfaceMacs(config, { CNI_ARGS: 'MAC=' })).toEqual([]);
    expect(interfaceMacs(config, {})).toEqual([]);
  });
});
