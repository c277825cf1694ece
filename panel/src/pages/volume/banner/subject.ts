/** What an operation is about, by name: its item, else its volume. */

import type { OperationOnBanner } from '../volume-query'

export function subjectOf({ snapshot, backup, targetVolume, volume }: OperationOnBanner): string {
  return (snapshot ?? backup ?? targetVolume ?? volume)?.name ?? ''
}
