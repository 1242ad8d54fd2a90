/**
 * The rules for what a Subnet is part of: provider, VPC, VLAN, namespaces. Pure.
 */

import type { Fields } from '../../../../common/fields.ts';
import { readLabelSelector } from '../../../../common/label-selector.ts';
import { isDnsName, isDottedOvnProvider, isOvnProvider } from '../../../../common/names.ts';
import { type Problem, say } from '../../../model/problem.ts';
import type { ClusterSettings } from '../../../model/settings.ts';
import { DOTLESS } from '../../nad/object/nad.ts';
import type { SubnetNetwork } from './subnet.ts';

/** @param report takes what is wrong */
export function checkNetwork(
  name: string,
  fields: Fields,
  settings: ClusterSettings,
  report: (problem: Problem) => void,
): SubnetNetwork {
  const provider = fields.text('provider') || 'ovn';
  const isOvn = isOvnProvider(provider);
  const vpc = fields.text('vpc') || (isOvn ? settings.defaultVpc : '');
  const underlay = checkUnderlay(fields, report);
  for (const [field, value] of Object.entries({ provider, vpc, vlan: underlay.vlan })) {
    if (value === '' || isDnsName(value)) continue;
    report({
      message: say`subnet ${name} ${field} ${value} is not valid`,
      advice: 'use lower-case letters, digits, "-" and "."',
    });
  }
  if (isDottedOvnProvider(provider)) {
    report({
      message: say`subnet ${name} provider ${provider} has ${provider.split('.').length} parts: the name of a network of type kube-ovn must not have a dot`,
      advice: DOTLESS,
    });
  }
  if (vpc === name) {
    report({
      message: say`subnet ${name} and vpc ${vpc} cannot have the same name`,
      advice: 'give the Subnet another name',
    });
  }
  const { vlan, logicalGateway, u2oInterconnection } = underlay;
  return {
    provider,
    isOvn,
    vpc,
    ...underlay,
    hasRouterPort: isOvn && (vlan === '' || logicalGateway || u2oInterconnection),
    namespaces: fields.texts('namespaces'),
    namespaceSelectors: fields.parts('namespaceSelectors').map(readLabelSelector),
  };
}

function checkUnderlay(fields: Fields, report: (problem: Problem) => void) {
  const vlan = fields.text('vlan');
  const logicalGateway = fields.flag('logicalGateway');
  const u2oWanted = fields.flag('u2oInterconnection');
  if (logicalGateway && u2oWanted) {
    report({
      message: "logicalGateway and u2oInterconnection can't be opened at the same time",
      advice: 'unset one of them',
    });
  }
  const overlayOnlyRouting = fields.part('u2oFeatures').flag('overlayOnlyRouting');
  if (overlayOnlyRouting) {
    if (!u2oWanted) report(overlayOnly('when u2OInterconnection is true'));
    if (vlan === '') report(overlayOnly('on underlay subnets (vlan must be set)'));
  }
  // Without an underlay there is nothing to connect the overlay with.
  const u2oInterconnection = u2oWanted && vlan !== '';
  return { vlan, logicalGateway, u2oInterconnection, overlayOnlyRouting };
}

function overlayOnly(where: string): Problem {
  return {
    message: `u2oFeatures.overlayOnlyRouting can only be enabled ${where}`,
    advice: 'unset u2oFeatures.overlayOnlyRouting, or set what it needs',
  };
}
