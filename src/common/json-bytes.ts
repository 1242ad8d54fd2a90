/** The bytes that say where the parts of a JSON text begin and end (RFC 8259, section 2). */

/** `"`: a string begins or ends. */
export const QUOTE = 0x22;
/** `,`: another member or element follows. */
export const COMMA = 0x2c;
/** `:`: the value of a member follows. */
export const COLON = 0x3a;
/** `[` */
export const OPEN_ARRAY = 0x5b;
/** `\`: within a string, the next byte does not end it. */
export const BACKSLASH = 0x5c;
/** `]` */
export const CLOSE_ARRAY = 0x5d;
/** `{` */
export const OPEN_OBJECT = 0x7b;
/** `}` */
export const CLOSE_OBJECT = 0x7d;
/** All of JSON's white space is at or below. */
export const SPACE = 0x20;
