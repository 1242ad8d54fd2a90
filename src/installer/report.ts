/** Writes what is done, for a person or a container's log: one line each. */
export type Say = (line: string, isWarning?: boolean) => void;
