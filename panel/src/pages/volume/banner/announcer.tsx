/** Tells screen readers of the start, the quarters and the end; never of each tick. */

import type { BannerState } from '~/lib/banner'
import { operationWords } from '~/lib/operation-words'

import type { OperationOnBanner } from '../volume-query'

import { subjectOf } from './subject'

export function Announcer({ state }: { state: BannerState<OperationOnBanner> }) {
  return (
    <p role="status" className="sr-only">
      {words(state)}
    </p>
  )
}

function words(state: BannerState<OperationOnBanner>): string {
  if (state.kind === 'none' || state.kind === 'cooldown') return ''
  const { operation } = state
  const { running, done, failed, cancelled } = operationWords(operation.kind)
  const subject = subjectOf(operation)
  if (state.kind === 'queued') return `${running}: ${subject}. Queued.`
  if (state.kind === 'ended') {
    if (operation.status === 'COMPLETED') return `${done}: ${subject}.`
    return operation.status === 'FAILED' ? `${failed}: ${subject}. ${operation.error?.message ?? ''}` : `${cancelled}: ${subject}.`
  }
  const quarter = Math.floor(operation.progress.percent / 25) * 25
  return quarter === 0 ? `${running}: ${subject}.` : `${running}: ${quarter} %.`
}
