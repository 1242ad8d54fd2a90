/** Words of a command against the shapes that they may have. Pure. */

/** What a word must be: this text, or of this type. */
export type Shape = readonly (string | ((word: string) => boolean))[];

export function fits(words: readonly string[], shape: Shape): boolean {
  return (
    words.length === shape.length &&
    shape.every((wanted, index) => {
      const word = words[index] ?? '';
      return typeof wanted === 'string' ? word === wanted : wanted(word);
    })
  );
}

export function fitsOne(words: readonly string[], shapes: readonly Shape[]): boolean {
  return shapes.some((shape) => fits(words, shape));
}
