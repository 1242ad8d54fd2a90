/**
 * What tools print, as checked values. A tool may be another version than ours, a wrapper, or one
 * that prints a warning in front: what is not of the form that we know is an error that says which
 * tool printed what, and nothing of it is believed.
 */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { show } from '../text.ts';
import { ToolError } from './tool-error.ts';

/**
 * A tool's output that is one JSON value.
 * @param tool its name, for the error
 * @throws ToolError, `unreadable`
 */
export function parseOutput<S extends TSchema>(tool: string, output: string, schema: S): Static<S> {
  const value = parseJson(tool, output);
  if (Value.Check(schema, value)) return value as Static<S>;
  throw unreadable(tool, output);
}

/** The error for an output of another form. */
export function unreadable(tool: string, output: string): ToolError {
  const said = `printed what it never prints: ${output === '' ? 'nothing' : show(output)}`;
  return new ToolError(`${tool} ${said}`, `${tool} ${said}`, 0, 'unreadable');
}

function parseJson(tool: string, output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    throw unreadable(tool, output);
  }
}
