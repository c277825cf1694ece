/** How an operation ended, and what that means for the volume. */

import { CircleCheck, CircleSlash, TriangleAlert, X } from 'lucide-react'

import { formatBytes } from '~/lib/bytes'
import { formatDuration } from '~/lib/duration'
import { helpFor } from '~/lib/guards'
import { operationWords } from '~/lib/operation-words'
import { Button } from '~/parts/button'
import { Card } from '~/parts/card'
import { TextLink } from '~/parts/text-link'

import type { OperationOnBanner, VolumeDetail } from '../volume-query'

import { CooldownRing } from './cooldown-ring'
import { subjectOf } from './subject'

interface EndedBannerProps {
  operation: OperationOnBanner
  volume: VolumeDetail
  endsAt: number | null
  now: number
  onDismiss: () => void
}

export function EndedBanner({ operation, volume, endsAt, now, onDismiss }: EndedBannerProps) {
  const words = operationWords(operation.kind)
  const failed = operation.status === 'FAILED'
  const title = failed ? words.failed : operation.status === 'COMPLETED' ? words.done : words.cancelled
  return (
    <Card className={failed ? 'border-bad/50!' : ''}>
      <div className="flex items-start gap-4 px-5 py-4">
        <span className={`mt-0.5 shrink-0 ${failed ? 'text-bad' : operation.status === 'COMPLETED' ? 'text-ok' : 'text-ink-3'}`} aria-hidden="true">
          {failed ? <TriangleAlert size={18} /> : operation.status === 'COMPLETED' ? <CircleCheck size={18} /> : <CircleSlash size={18} />}
        </span>
        <div className="flex min-w-0 flex-1 flex-wrap items-start justify-between gap-x-6 gap-y-3">
          <div className="min-w-0">
            <p className="text-ink-2 anywhere">
              <span className="font-semibold text-ink">{title}</span>
              {` · ${subjectOf(operation)}`}
            </p>
            <p className="mt-0.5 text-small text-ink-2 anywhere nums">
              <Outcome operation={operation} volume={volume} />
            </p>
          </div>
          {endsAt !== null && endsAt > now && <CooldownRing endsAt={endsAt} now={now} />}
        </div>
        <Button kind="quiet" size="icon" aria-label="Dismiss" className="-mr-2" icon={<X size={16} aria-hidden />} onClick={onDismiss} />
      </div>
    </Card>
  )
}

function Outcome({ operation, volume }: { operation: OperationOnBanner; volume: VolumeDetail }) {
  const { error, progress, targetVolume } = operation
  if (operation.status === 'COMPLETED') {
    const took = Date.parse(operation.finishedAt ?? operation.createdAt) - Date.parse(operation.startedAt ?? operation.createdAt)
    const span = took < 1000 ? 'less than a second' : formatDuration(took)
    return (
      <>
        {progress.bytesTotal > 0 ? `${formatBytes(progress.bytesTotal)} in ${span}.` : `It took ${span}.`}
        {targetVolume && targetVolume.id !== volume.id && (
          <>
            {' '}
            <TextLink inline to="/volumes/$volumeId" params={{ volumeId: targetVolume.id }}>
              Open {targetVolume.name}
            </TextLink>
          </>
        )}
      </>
    )
  }
  const why = error && sentence(error.message)
  const help = error?.code === 'TIMED_OUT' && helpFor('TIMED_OUT')
  return [why, help, effect(operation, volume)].filter(Boolean).join(' ')
}

function effect({ kind }: OperationOnBanner, volume: VolumeDetail): string {
  if (kind === 'RESTORE_IN_PLACE' && volume.dataState === 'INCONSISTENT') {
    return 'The volume is partly overwritten. Roll back again before you attach it.'
  }
  return kind === 'CREATE_VOLUME' || kind === 'DELETE_VOLUME' ? '' : 'The volume was not changed.'
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
