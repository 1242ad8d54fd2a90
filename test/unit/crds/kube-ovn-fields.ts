/**
 * The fields that Kube-OVN v1.17 has in its objects (charts/kube-ovn-v2/crds), with their types:
 * facts that our definitions have to agree with, so that a cluster can move either way.
 */

/** Names of fields by type, by the place of the object that has them. */
export type FieldTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A label selector at this place. */
const selector = (place: string): FieldTable => ({
  [place]: { string: 'matchLabels{}' },
  [`${place}.matchExpressions[]`]: { string: 'key operator values[]' },
});

const conditions: FieldTable = {
  'status.conditions[]': {
    string: 'message reason status type',
    'string/date-time': 'lastTransitionTime lastUpdateTime',
    'integer/int64': 'observedGeneration',
  },
};

export const kubeOvnFields: Readonly<Record<string, FieldTable>> = {
  IPPool: {
    ...conditions,
    spec: {
      boolean: 'enableAddressSet',
      string: 'ips[] namespaces[] subnet',
    },
    status: {
      string: 'v4AvailableIPRange v4UsingIPRange v6AvailableIPRange v6UsingIPRange',
      number: 'v4AvailableIPs v4UsingIPs v6AvailableIPs v6UsingIPs',
    },
  },
  IP: {
    spec: {
      string: [
        'attachIps[] attachMacs[] attachSubnets[] containerID ipAddress macAddress',
        'namespace nodeName podName podType subnet v4IpAddress v6IpAddress',
      ].join(' '),
    },
  },
  ProviderNetwork: {
    ...selector('spec.nodeSelector'),
    spec: {
      boolean: 'autoCreateVlanSubinterfaces exchangeLinkName preserveVlanInterfaces',
      string: 'defaultInterface excludeNodes[] vlanInterfaces[]',
    },
    'spec.customInterfaces[]': {
      string: 'interface nodes[]',
    },
    'status.conditions[]': {
      ...conditions['status.conditions[]'],
      string: 'message node reason status type',
    },
    status: {
      string: 'notReadyNodes[] readyNodes[] vlans[]',
      boolean: 'ready',
    },
  },
  SecurityGroup: {
    spec: {
      boolean: 'allowSameGroupTraffic',
      integer: 'tier',
    },
    'spec.egressRules[]': {
      string: [
        'ipVersion localAddress policy protocol remoteAddress remoteSecurityGroup',
        'remoteType',
      ].join(' '),
      integer: 'portRangeMax portRangeMin priority sourcePortRangeMax sourcePortRangeMin',
    },
    'spec.ingressRules[]': {
      string: [
        'ipVersion localAddress policy protocol remoteAddress remoteSecurityGroup',
        'remoteType',
      ].join(' '),
      integer: 'portRangeMax portRangeMin priority sourcePortRangeMax sourcePortRangeMin',
    },
    status: {
      boolean: 'allowSameGroupTraffic egressLastSyncSuccess ingressLastSyncSuccess',
      string: 'egressMd5 ingressMd5 portGroup',
    },
  },
  Subnet: {
    ...conditions,
    ...selector('spec.gatewayNodeSelectors[]'),
    ...selector('spec.namespaceSelectors[]'),
    'spec.acls[]': {
      string: 'action direction match',
      integer: 'priority',
    },
    spec: {
      boolean: [
        'allowEWTraffic default disableGatewayCheck disableInterConnection enableDHCP',
        'enableEcmp enableExternalLBAddress enableIPv6RA enableLb',
        'enableMulticastSnoop logicalGateway natOutgoing private u2oInterconnection',
      ].join(' '),
      string: [
        'allowSubnets[] cidrBlock dhcpV4Options dhcpV6Options excludeIps[]',
        'externalEgressGateway gateway gatewayNode gatewayType ipv6RAConfigs',
        'namespaces[] nodeNetwork protocol provider routeTable u2oInterconnectionIP',
        'vips[] vlan vpc',
      ].join(' '),
      'integer/int32': 'mtu policyRoutingPriority policyRoutingTableID',
    },
    'spec.natOutgoingPolicyRules[]': {
      string: 'action',
    },
    'spec.natOutgoingPolicyRules[].match': {
      string: 'dstIPs srcIPs',
    },
    'spec.u2oFeatures': {
      boolean: 'overlayOnlyRouting',
    },
    status: {
      string: [
        'activateGateway dhcpV4OptionsUUID dhcpV6OptionsUUID mcastQuerierIP',
        'mcastQuerierMAC u2oInterconnectionIP u2oInterconnectionMAC',
        'u2oInterconnectionVPC v4availableIPrange v4usingIPrange v6availableIPrange',
        'v6usingIPrange',
      ].join(' '),
      number: 'v4availableIPs v4usingIPs v6availableIPs v6usingIPs',
    },
    'status.natOutgoingPolicyRules[]': {
      string: 'action ruleID',
    },
    'status.natOutgoingPolicyRules[].match': {
      string: 'dstIPs srcIPs',
    },
  },
  Vlan: {
    ...conditions,
    spec: {
      integer: 'id vlanId',
      string: 'provider providerInterfaceName',
    },
    status: {
      boolean: 'conflict',
      string: 'subnets[]',
    },
  },
  Vpc: {
    ...conditions,
    ...selector('spec.bfdPort.nodeSelector'),
    'spec.bfdPort': {
      boolean: 'enabled',
      string: 'ip',
    },
    spec: {
      string: 'defaultSubnet extraExternalSubnets[] namespaces[]',
      boolean: 'enableBfd enableExternal',
    },
    'spec.policyRoutes[]': {
      string: 'action match nextHopIP',
      integer: 'priority',
    },
    'spec.staticRoutes[]': {
      string: 'bfdId cidr ecmpMode nextHopIP policy routeTable',
    },
    'spec.vpcPeerings[]': {
      string: 'localConnectIP remoteVpc',
    },
    'status.bfdPort': {
      string: 'ip name nodes[]',
    },
    status: {
      boolean: 'default enableBfd enableExternal standby',
      string: [
        'defaultLogicalSwitch extraExternalSubnets[] router sctpLoadBalancer',
        'sctpSessionLoadBalancer subnets[] tcpLoadBalancer tcpSessionLoadBalancer',
        'udpLoadBalancer udpSessionLoadBalancer vpcPeerings[]',
      ].join(' '),
    },
  },
};
