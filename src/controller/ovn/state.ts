/**
 * What the northbound database holds: a replica of the tables that we plan, with the ways to find
 * rows. It is live, and changes between two turns of the event loop: a plan is made in one turn.
 *
 * Each look-up costs what it finds, however many rows there are: the plan of a pod among 50,000 ports
 * costs as much as among ten.
 */
import { type Address, parseAddress } from '../../common/address.ts';
import { Replica } from '../../common/ovsdb/replica.ts';
import { LiveTable } from '../../common/ovsdb/table.ts';
import { isOurs, subnetOfNodeGroup } from './names.ts';
import {
  type Acl,
  type AddressSet,
  COLUMNS,
  type DhcpOptions,
  type Policy,
  type PortGroup,
  type Route,
  type Router,
  type RouterPort,
  type Switch,
  type SwitchPort,
} from './rows.ts';

/** Rows of one table by UUID. */
export type Rows<R> = ReadonlyMap<string, R>;

/** The keys that say which SecurityGroups a port's pod lists. */
export const LISTED_PREFIX = 'associated_sg_';

/** The replica, and its indexes. Reading it costs no request. */
export class NbState {
  readonly #switches = new LiveTable('Logical_Switch', COLUMNS.Logical_Switch);
  readonly #switchPorts = new LiveTable('Logical_Switch_Port', COLUMNS.Logical_Switch_Port);
  readonly #routers = new LiveTable('Logical_Router', COLUMNS.Logical_Router);
  readonly #routerPorts = new LiveTable('Logical_Router_Port', COLUMNS.Logical_Router_Port);
  readonly #routes = new LiveTable(
    'Logical_Router_Static_Route',
    COLUMNS.Logical_Router_Static_Route,
  );
  readonly #policies = new LiveTable('Logical_Router_Policy', COLUMNS.Logical_Router_Policy);
  readonly #acls = new LiveTable('ACL', COLUMNS.ACL);
  readonly #portGroups = new LiveTable('Port_Group', COLUMNS.Port_Group);
  readonly #addressSets = new LiveTable('Address_Set', COLUMNS.Address_Set);
  readonly #dhcpOptions = new LiveTable('DHCP_Options', COLUMNS.DHCP_Options);

  /** What keeps the tables up to date. */
  readonly replica = new Replica([
    ...[this.#switches, this.#switchPorts, this.#routers, this.#routerPorts, this.#routes],
    ...[this.#policies, this.#acls, this.#portGroups, this.#addressSets, this.#dhcpOptions],
  ]);

  /** Switches and routers can share a name; nothing else here can. */
  readonly switchesNamed = this.#switches.index(({ name }) => [name]);
  readonly routersNamed = this.#routers.index(({ name }) => [name]);
  /** The switches that a port is on, by the port's UUID: one, unless somebody has blundered. */
  readonly switchesOf = this.#switches.indexOfMembers('ports');
  readonly routersOf = this.#routers.indexOfMembers('ports');
  /** The groups that a port is in, by the port's UUID. */
  readonly groupsOf = this.#portGroups.indexOfMembers('ports');
  /** Groups of a Subnet's ports by node. */
  readonly nodeGroupsOf = this.#portGroups.index((row) => {
    const subnet = subnetOfNodeGroup(row);
    return subnet === undefined ? [] : [subnet];
  });
  /** Our ports of a pod, by `<namespace>/<name>`. */
  readonly portsOfPod = this.#switchPorts.index(podOf);
  /** Our ports that say that they are of a Subnet. */
  readonly portsSaying = this.#switchPorts.index((port) => subnetOf(port));
  /** Our ports of pods that list a SecurityGroup. */
  readonly portsListing = this.#switchPorts.index((port) =>
    podOf(port).length === 0 ? [] : listedGroups(port),
  );
  /** Our DHCP options of a Subnet that are not one port's. */
  readonly dhcpOfSubnet = this.#dhcpOptions.index((row) =>
    row.external_ids.port === undefined ? subnetOf(row) : [],
  );
  readonly #listingSendingFrom = this.#switchPorts.index((port) =>
    podOf(port).length === 0 || listedGroups(port).length === 0
      ? []
      : addressesOf(port).map(({ text }) => text),
  );
  readonly #switchPortsNamed = this.#switchPorts.index(({ name }) => [name]);
  readonly #routerPortsNamed = this.#routerPorts.index(({ name }) => [name]);
  readonly #portGroupsNamed = this.#portGroups.index(({ name }) => [name]);
  readonly #addressSetsNamed = this.#addressSets.index(({ name }) => [name]);

  /** Whether ACLs have tiers: OVN 23.06 or newer. */
  get hasTiers(): boolean {
    return this.#acls.has('tier');
  }

  get switches(): Rows<Switch> {
    return this.#switches.rows;
  }

  get switchPorts(): Rows<SwitchPort> {
    return this.#switchPorts.rows;
  }

  get routers(): Rows<Router> {
    return this.#routers.rows;
  }

  get routerPorts(): Rows<RouterPort> {
    return this.#routerPorts.rows;
  }

  get routes(): Rows<Route> {
    return this.#routes.rows;
  }

  get policies(): Rows<Policy> {
    return this.#policies.rows;
  }

  get acls(): Rows<Acl> {
    return this.#acls.rows;
  }

  get portGroups(): Rows<PortGroup> {
    return this.#portGroups.rows;
  }

  get addressSets(): Rows<AddressSet> {
    return this.#addressSets.rows;
  }

  get dhcpOptions(): Rows<DhcpOptions> {
    return this.#dhcpOptions.rows;
  }

  switchPortNamed(name: string): SwitchPort | undefined {
    return this.#switchPortsNamed(name)[0];
  }

  routerPortNamed(name: string): RouterPort | undefined {
    return this.#routerPortsNamed(name)[0];
  }

  portGroupNamed(name: string): PortGroup | undefined {
    return this.#portGroupsNamed(name)[0];
  }

  addressSetNamed(name: string): AddressSet | undefined {
    return this.#addressSetsNamed(name)[0];
  }

  /** Our ports of pods that list a SecurityGroup and may send from an address. */
  portsListingFrom(group: string, address: string): readonly SwitchPort[] {
    return this.#listingSendingFrom(address).filter((port) => listedGroups(port).includes(group));
  }
}

function podOf(port: SwitchPort): string[] {
  const { pod } = port.external_ids;
  return pod === undefined || !isOurs(port) ? [] : [pod];
}

function subnetOf(row: SwitchPort | DhcpOptions): string[] {
  const { ls } = row.external_ids;
  return ls === undefined || !isOurs(row) ? [] : [ls];
}

/** The SecurityGroups that a port's pod lists. */
export function listedGroups({ external_ids: ids }: SwitchPort): string[] {
  return Object.entries(ids)
    .filter(([key, value]) => key.startsWith(LISTED_PREFIX) && value === 'true')
    .map(([key]) => key.slice(LISTED_PREFIX.length));
}

/**
 * The addresses that a port may send from. Each string of the columns is a MAC with addresses, or a
 * word that stands for others.
 */
export function addressesOf({ addresses, port_security: secured }: SwitchPort): Address[] {
  const strings = secured.length > 0 ? secured : addresses;
  const words = strings.flatMap((each) => each.split(' ').slice(1));
  return words.flatMap((word) => parseAddress(word) ?? []);
}
