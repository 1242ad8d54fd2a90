/** The figures for people, each beside its target. */
type Figures = Readonly<Record<string, number>>;

const TARGETS: Readonly<Record<string, readonly [what: string, target: string]>> = {
  exec_over_true: ['executable, VERSION ÷ /bin/true', '≤ 12'],
  exec_cold_ms: ['the same with its pages dropped from memory, VERSION, p50, ms', ''],
  executable_mb: ['size of the executable, MB', ''],
  version_p50_ms: ['executable, VERSION, p50, ms', ''],
  ovn_add_p50_ms: ['ADD of an OVN NIC, p50, ms', ''],
  ovn_add_p99_ms: ['ADD of an OVN NIC, p99, ms', ''],
  floor_p50_ms: ['the same steps as bare commands (floor), p50, ms', ''],
  ovn_add_p50_over_floor: ['ADD of an OVN NIC ÷ floor', '≤ 1.5'],
  ovn_del_p50_ms: ['DEL of an OVN NIC, p50, ms', ''],
  ovn_del_p99_ms: ['DEL of an OVN NIC, p99, ms', ''],
  ipam_add_p50_ms: ['ADD as IPAM delegate, p50, ms', ''],
  ipam_add_p99_ms: ['ADD as IPAM delegate, p99, ms', ''],
  ipam_add_p50_over_version: ['ADD as IPAM delegate ÷ VERSION', '≤ 1.5'],
  add_p50_250_ports_over_10: ['ADD with 250 ports ÷ with 10', ''],
  add_p50_1000_ports_over_10: ['ADD with 1,000 ports ÷ with 10', '≤ 2'],
  floor_p50_1000_ports_over_10: ['floor with 1,000 ports ÷ with 10', ''],
  ovn_add_over_floor_1000_ports: ['ADD ÷ floor, with 1,000 ports', ''],
  burst50_adds_per_s: ['50 ADDs at once, per second', '≥ 30'],
  daemon_start_ms: ['daemon, start to its first answer, p50, ms', '≤ 200'],
  daemon_rss_mb_250_pods: ['memory of the daemon with 250 pods, MB', '< 120'],
  daemon_loop_delay_max_ms_hostile_burst: [
    'daemon, longest hold of the event loop, 1,000 pods and a hostile one, ms',
    '< 250',
  ],
  daemon_rss_mb_10000_cycles: [
    'memory of the daemon after 10,000 ADDs and DELs (`--only cycles`), MB',
    '< 140',
  ],
  ctl_macvlan_pod_p50_ms: ['controller, pod of macvlan → its annotations, p50, ms', '≤ 2.5'],
  ctl_macvlan_pod_p99_ms: ['controller, pod of macvlan → its annotations, p99, ms', ''],
  ctl_ovn_pod_p50_ms: ['controller, pod of an OVN network → its annotations, p50, ms', '≤ 5'],
  ctl_ovn_pod_p99_ms: ['controller, pod of an OVN network → its annotations, p99, ms', ''],
  ctl_ovn_pod_cpu_ms: ['controller, processor time of such a pod, ms', '≤ 4'],
  ctl_macvlan_pods_per_s: ['controller, 500 pods of macvlan at once, per second', '≥ 1,500'],
  ctl_burst_s: ['controller, 1,000 pods of macvlan at once, s', ''],
  ctl_burst_pods_per_s: ['controller, 1,000 pods of macvlan at once, per second', ''],
  ctl_burst_over_bare: ['controller, 1,000 pods ÷ their bare requests', ''],
  ctl_loop_delay_max_ms_hostile_burst: [
    'controller, longest hold of the event loop, 1,000 pods and a hostile one, ms',
    '< 250',
  ],
  ctl_patches_per_pod: ['controller, patches per pod', '1'],
  ctl_ovn_pods_per_s: ['controller, 200 pods of an OVN network at once, per second', '≥ 400'],
  ctl_ovn_delete_200_s: ['controller, the end of 200 pods of an OVN network, s', '≤ 0.5'],
  ctl_ovn_delete_requests_twice: ['the same, requests that were made twice', '0'],
  ctl_ovn_pod_p50_50000_over_100: [
    'controller, pod of an OVN network among 50,000 ports ÷ among 100',
    '≤ 1.3',
  ],
  ctl_rss_mb_50000_ports: ['memory of the controller with 50,000 foreign ports, MB', '≤ 200'],
  ctl_start_followed_s: ['controller, start with 10,000 pods and IPs, s', ''],
  ctl_start_first_pod_s: ['the same, until a new pod has its annotations, s', ''],
  ctl_start_objects_per_s: ['the same, objects per second', ''],
  ctl_start_patches: ['the same, patches of pods and IPs', '0'],
  ctl_rss_mb_10000_pods: ['memory of the controller with 10,000 pods and IPs, MB', ''],
  ctl_start_10000_s: [
    'controller, start with 10,000 pods of an OVN network, until a new one has its annotations, s',
    '≤ 1.5',
  ],
  ctl_start_10000_writes: ['the same, patches and transactions for those that are there', '0'],
  ctl_rss_mb_10000: ['memory of the controller after that, MB', '≤ 200'],
  ctl_rss_mb_10000_burst: ['memory of the controller after the burst of these, MB', '≤ 200'],
};

export function printTable(figures: Figures): void {
  console.log('\n| figure | measured | target |\n| --- | ---: | ---: |');
  for (const [name, [what, target]] of Object.entries(TARGETS)) {
    console.log(`| ${what} | ${figures[name] ?? '-'} | ${target} |`);
  }
}
