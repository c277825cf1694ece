/** A sentence of our own, in which names stand apart from what is written around them. */

import { piecesOf } from '~/lib/isolate'

export function Sentence({ children }: { children: string }) {
  return piecesOf(children).map((piece, i) => (i % 2 === 1 ? <bdi key={i}>{piece}</bdi> : piece))
}
