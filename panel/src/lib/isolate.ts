/** Names within sentences: each has a direction of its own, whatever is written around it. */

const FIRST = '\u2068'
const LAST = '\u2069'

/** A name, for a sentence that `<Sentence>` shows. */
export function isolate(name: string): string {
  return FIRST + name + LAST
}

/** A sentence in its pieces: every other one is a name. */
export function piecesOf(sentence: string): readonly string[] {
  return sentence.split(/[\u2068\u2069]/)
}
