/** Tells screen readers of the start, the quarters and the end; never of each tick. */

import type { OperationFacts } from '~/api/operation'
import type { BannerState } from '~/lib/banner'
import { endedWords, operationWords } from '~/lib/operation-words'

export function Announcer({ state }: { state: BannerState<OperationFacts> }) {
  return (
    <p role="status" className="sr-only">
      {words(state)}
    </p>
  )
}

function words(state: BannerState<OperationFacts>): string {
  // What is on its way is told when it is accepted.
  if (state.kind === 'none' || state.kind === 'cooldown' || state.kind === 'asked') return ''
  const { operation } = state
  const { kind, status, subjectName } = operation
  const { running } = operationWords(kind)
  if (state.kind === 'queued') return `${running}: ${subjectName}. Queued.`
  if (state.kind === 'ended') {
    const ended = `${endedWords(kind, status)}: ${subjectName}.`
    return operation.error ? `${ended} ${operation.error.message}` : ended
  }
  if (state.trouble?.kind === 'waits') return `${running}: ${subjectName}. ${state.trouble.words}`
  const quarter = Math.floor(operation.progress.percent / 25) * 25
  return quarter === 0 ? `${running}: ${subjectName}.` : `${running}: ${quarter} %.`
}
