/** Tells a person, or a container's log, what is done: one line each. */
export type Say = (line: string, isWarning?: boolean) => void;
