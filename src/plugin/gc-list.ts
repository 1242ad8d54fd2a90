/**
 * `cni.dev/valid-attachments`, the runtime's list of what a GC must leave alone (CNI spec 1.1,
 * section 2, "GC"). It is right as a whole or refused as a whole: what a wrong list does not name
 * would be removed.
 */
import { isContainerId, isInterfaceName } from '../wire/cni.ts';
import type { GcRequest } from '../wire/messages.ts';
import { objects, type Source, text, wrong } from './fields.ts';
import { CONTAINER_ID_FORM, INTERFACE_NAME_FORM } from './invocation.ts';

const KEY = 'cni.dev/valid-attachments';

/** Empty where the runtime gives no list, which is no empty list. Throws error 7 for a wrong one. */
export function readValidAttachments(top: Source): Pick<GcRequest, 'valid_attachments'> {
  if ((top.fields[KEY] ?? null) === null) {
    return {};
  }
  const entries = objects(top, KEY, 'an array of {containerID, ifname}');
  return { valid_attachments: entries.map(readAttachment) };
}

function readAttachment(from: Source): { container_id: string; if_name: string } {
  const container_id = text(from, 'containerID');
  const if_name = text(from, 'ifname');
  if (!isContainerId(container_id)) {
    wrong(from, 'containerID', CONTAINER_ID_FORM, container_id);
  }
  if (!isInterfaceName(if_name)) {
    wrong(from, 'ifname', INTERFACE_NAME_FORM, if_name);
  }
  return { container_id, if_name };
}
