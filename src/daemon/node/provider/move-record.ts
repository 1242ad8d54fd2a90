/**
 * What is being moved between a network card and the bridge of a provider network, as it is recorded in
 * OVS's database before the first address is touched: whoever comes after a crash finishes it, also
 * where the API server is reached through that very card. Pure.
 *
 * A record is of one boot of the node: links do not outlive it, and the host's own set-up has given the
 * card its addresses anew.
 */
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { isLinkName } from '../../../common/link-name.ts';
import { show } from '../../../common/text.ts';
import { quoted } from '../../ovs/vsctl.ts';
import { LINK_CONFIG } from './link-config.ts';

const RECORD = Type.Object({
  /** Of Linux; `/proc/sys/kernel/random/boot_id`. */
  boot: Type.String(),
  bridge: Type.String(),
  /** The card, by the name that it has as a port of the bridge. */
  card: Type.String(),
  /** Where the addresses go: to the bridge; to the card, which leaves it; or to the card, and the bridge goes. */
  goal: Type.Union([Type.Literal('bridge'), Type.Literal('card'), Type.Literal('no-bridge')]),
  /**
   * The card has its name as a port only while there is the bridge, which has the card's own name meanwhile
   * (spec.exchangeLinkName).
   */
  exchanges: Type.Optional(Type.Literal(true)),
  /** VLANs that the card's port takes, as OVS has them. */
  trunks: Type.Array(Type.Integer({ minimum: 0, maximum: 4095 })),
  /** First the card and the bridge, then each VLAN interface and its port of the bridge. */
  pairs: Type.Array(
    Type.Object({
      link: Type.String(),
      port: Type.String(),
      /** Of a VLAN interface. */
      vlan: Type.Optional(Type.Integer({ minimum: 1, maximum: 4095 })),
      config: LINK_CONFIG,
    }),
  ),
});

export type MoveRecord = Static<typeof RECORD>;
export type MovePair = MoveRecord['pairs'][number];

const KEY_PREFIX = 'provider-move-';
/** Linux takes arguments of up to 128 KiB (execve(2)). */
const BYTES_MAX = 120_000;

/** Commands of ovs-vsctl that write the record of a provider network. @throws Error where it is too large */
export function writeRecordCommands(network: string, record: MoveRecord): string[] {
  const assignment = `external_ids:${quoted(KEY_PREFIX + network)}=${quoted(JSON.stringify(record))}`;
  if (Buffer.byteLength(assignment) > BYTES_MAX) {
    const routes = record.pairs.reduce((sum, { config }) => sum + config.routes.length, 0);
    throw new Error(`${record.card} has ${routes} routes, which are too many to be moved`);
  }
  return ['--', 'set', 'Open_vSwitch', '.', assignment];
}

/** Commands that remove it. */
export function removeRecordCommands(network: string): string[] {
  return ['--', 'remove', 'Open_vSwitch', '.', 'external_ids', quoted(KEY_PREFIX + network)];
}

/** Names of the provider networks that have a record. */
export function recordedNetworks(ids: Readonly<Record<string, string>>): string[] {
  return Object.keys(ids)
    .filter((key) => key.startsWith(KEY_PREFIX))
    .map((key) => key.slice(KEY_PREFIX.length));
}

/**
 * The record of a provider network; undefined where there is none.
 * @throws Error for one that cannot be read: nothing of it is believed
 */
export function readRecord(
  network: string,
  ids: Readonly<Record<string, string>>,
): MoveRecord | undefined {
  const text = ids[KEY_PREFIX + network];
  if (text === undefined) return undefined;
  const record = parse(text);
  if (record !== undefined) return record;
  throw new Error(
    `external_ids:${KEY_PREFIX}${network} of Open_vSwitch is no record of a move: ${show(text)}; remove it when the node has its addresses`,
  );
}

function parse(text: string): MoveRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!Value.Check(RECORD, value)) return undefined;
    const { bridge, card, pairs } = value;
    const names = [bridge, card, ...pairs.flatMap(({ link, port }) => [link, port])];
    return names.every(isLinkName) ? value : undefined;
  } catch {
    return undefined;
  }
}
