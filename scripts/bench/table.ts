/** The figures for people, each beside its target. */
type Figures = Readonly<Record<string, number>>;

const TARGETS: Readonly<Record<string, readonly [what: string, target: string]>> = {
  exec_over_true: ['executable, VERSION ÷ /bin/true', '≤ 12'],
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
  add_p50_over_floor_1000_ports: ['ADD ÷ floor, with 1,000 ports', ''],
  burst50_adds_per_s: ['50 ADDs at once, per second', '≥ 30'],
  daemon_rss_mb_250_pods: ['memory of the daemon with 250 pods, MB', '< 120'],
  daemon_loop_delay_max_ms_hostile_burst: [
    'daemon, longest hold of the event loop, 1,000 pods and a hostile one, ms',
    '< 250',
  ],
  daemon_rss_mb_10000_cycles: [
    'memory of the daemon after 10,000 ADDs and DELs (`--only cycles`), MB',
    '< 140',
  ],
  ctl_ipam_p50_ms: ['controller, pod of macvlan → its annotations, p50, ms', ''],
  ctl_ipam_p99_ms: ['controller, pod of macvlan → its annotations, p99, ms', ''],
  ctl_ovn_p50_ms: ['controller, pod of an OVN network → its annotations, p50, ms', ''],
  ctl_ovn_p99_ms: ['controller, pod of an OVN network → its annotations, p99, ms', ''],
  ctl_burst_s: ['controller, 1,000 pods of macvlan at once, s', ''],
  ctl_burst_pods_per_s: ['controller, 1,000 pods of macvlan at once, per second', ''],
  ctl_burst_over_bare: ['controller, 1,000 pods ÷ their bare requests', ''],
  ctl_loop_delay_max_ms_hostile_burst: [
    'controller, longest hold of the event loop, 1,000 pods and a hostile one, ms',
    '< 250',
  ],
  ctl_patches_per_pod: ['controller, patches per pod', '1'],
  ctl_ovn_burst_pods_per_s: ['controller, 200 pods of an OVN network at once, per second', ''],
  ctl_start_followed_s: ['controller, start with 10,000 pods and IPs, s', ''],
  ctl_start_first_pod_s: ['the same, until a new pod has its annotations, s', ''],
  ctl_start_objects_per_s: ['the same, objects per second', ''],
  ctl_start_patches: ['the same, patches of pods and IPs', '0'],
  ctl_rss_mb_10000_pods: ['memory of the controller with 10,000 pods and IPs, MB', ''],
};

export function printTable(figures: Figures): void {
  console.log('\n| figure | measured | target |\n| --- | ---: | ---: |');
  for (const [name, [what, target]] of Object.entries(TARGETS)) {
    console.log(`| ${what} | ${figures[name] ?? '-'} | ${target} |`);
  }
}
