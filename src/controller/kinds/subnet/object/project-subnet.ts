/**
 * From a raw Subnet to what is kept of it: all rules that concern a Subnet by itself.
 */
import { parseCidr } from '../../../../common/address.ts';
import { rawFields, readFields, readQuietly } from '../../../../common/fields.ts';
import { projectMeta } from '../../../model/meta.ts';
import { checked, type Problem } from '../../../model/problem.ts';
import type { ClusterSettings } from '../../../model/settings.ts';
import { projectInterconnection } from './interconnection.ts';
import type { Subnet, SubnetObject } from './subnet.ts';
import { checkBlocks } from './subnet-blocks.ts';
import { chooseCidr } from './subnet-cidr.ts';
import { subnetDefaults, withoutEffect } from './subnet-defaults.ts';
import { readSubnetMarks, type SubnetMarks } from './subnet-marks.ts';
import { checkNetwork } from './subnet-network.ts';
import { checkOptions } from './subnet-options.ts';
import { spelledOut } from './subnet-spelling.ts';
import { projectSubnetStatus } from './subnet-status.ts';

/** One of each family, and what shows that there are more. */
const CIDRS_READ = 4;

/** A raw Subnet as the API server sends it. Never throws for what a user can write. */
export function projectSubnet(raw: unknown, settings: ClusterSettings): SubnetObject {
  const meta = projectMeta(raw);
  const marks = readSubnetMarks(raw);
  const { spec, status } = rawFields(raw);
  const { result, network, cidr, said } = checkSubnet(meta.name, spec, { settings, marks });
  const provider = said.text('provider') || 'ovn';
  const cidrs = cidr.text.split(',', CIDRS_READ);
  const known = {
    meta,
    provider,
    claims: { ...network, cidrs: cidrs.flatMap((text) => parseCidr(text) ?? []) },
    checked: result,
    status: projectSubnetStatus(status),
    interconnection: projectInterconnection(status),
    isByBootstrap: marks.isByBootstrap,
    notes: cidr.note === undefined ? [] : [cidr.note],
  };
  if (!('value' in result)) return known;
  const written = rawFields(spec);
  const defaults = subnetDefaults(written, result.value, settings, marks);
  const notes = [...known.notes, ...withoutEffect(written, result.value, settings)];
  return defaults === undefined ? { ...known, notes } : { ...known, notes, defaults };
}

interface SubnetContext {
  readonly settings: ClusterSettings;
  readonly marks: SubnetMarks;
}

/** All rules that concern a Subnet by itself (Kube-OVN's `ValidateSubnet`). */
function checkSubnet(name: string, spec: unknown, { settings, marks }: SubnetContext) {
  const problems: Problem[] = [];
  const report = (problem: Problem) => {
    problems.push(problem);
  };
  const spelled = spelledOut(spec);
  const written = readFields(spelled, 'spec', report);
  const texts = { cidr: written.text('cidr'), cidrBlock: written.text('cidrBlock') };
  const cidr = chooseCidr(texts, marks.seen);
  const fields = readFields({ ...rawFields(spelled), cidrBlock: cidr.text }, 'spec', report);
  const network = checkNetwork(name, fields, settings, report);
  const blocks = checkBlocks({ name, fields, cidr, network, settings, report });
  const options = checkOptions({ name, fields, blocks: blocks.blocks, report });
  const isInDefaultVpc = network.vpc === settings.defaultVpc && name !== settings.joinSubnet;
  const gatewayType = options.gatewayType || (isInDefaultVpc ? 'distributed' : '');
  const enableLb = (rawFields(spec).enableLb ?? settings.enableLb) !== false;
  const subnet: Subnet = { name, ...network, ...blocks, ...options, gatewayType, enableLb };
  return { network, cidr, said: readQuietly(spelled), result: checked(subnet, problems) };
}
