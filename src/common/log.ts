/**
 * What all parts of a process need of its log.
 */

/** The part of pino's logger that we use. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
