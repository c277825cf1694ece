/** How an operation ended, and what that means for the volume. */

import { CircleCheck, CircleSlash, type LucideIcon, TriangleAlert, X } from 'lucide-react'

import type { OperationFacts } from '~/api/operation'
import { formatBytes } from '~/lib/bytes'
import { formatTook } from '~/lib/duration'
import { failureWords, heldWords } from '~/lib/held'
import { endedWords } from '~/lib/operation-words'
import { useStartInstance } from '~/pages/instances/use-start-instance'
import { Button } from '~/parts/button'
import { TextLink } from '~/parts/text-link'

import type { VolumeDetail } from '../volume-query'

import { BannerFrame } from './banner-frame'
import { CooldownRing } from './cooldown-ring'
import { Foot } from './foot'

interface EndedBannerProps {
  operation: OperationFacts
  volume: VolumeDetail
  endsAt: number | null
  now: number
  onDismiss: () => void
}

const MARKS: Record<string, { icon: LucideIcon; className: string }> = {
  COMPLETED: { icon: CircleCheck, className: 'text-ok' },
  FAILED: { icon: TriangleAlert, className: 'text-bad' },
}
const NO_MARK = { icon: CircleSlash, className: 'text-ink-3' }

export function EndedBanner({ operation, volume, endsAt, now, onDismiss }: EndedBannerProps) {
  const { kind, status, progress } = operation
  const { icon: Icon, className } = MARKS[status] ?? NO_MARK
  return (
    <BannerFrame
      bad={status === 'FAILED'}
      mark={
        <span className={`mt-0.5 shrink-0 ${className}`} aria-hidden="true">
          <Icon size={18} />
        </span>
      }
      title={endedWords(kind, status)}
      subject={operation.subjectName}
      line={<Outcome operation={operation} volume={volume} now={now} />}
      right={
        <div className="flex shrink-0 items-start gap-4">
          {endsAt !== null && endsAt > now && <CooldownRing endsAt={endsAt} now={now} />}
          <Button kind="quiet" size="icon" aria-label="Dismiss" className="-mt-1 -mr-2" icon={<X size={16} aria-hidden />} onClick={onDismiss} />
        </div>
      }
      bar={<EndedBar value={status === 'COMPLETED' ? 100 : progress.percent} ok={status === 'COMPLETED'} />}
      figures={
        <>
          {progress.bytesTotal > 0 && <span>{`${formatBytes(progress.bytesDone)} of ${formatBytes(progress.bytesTotal)}`}</span>}
          {/* For a roll back it had to be stopped. */}
          {kind === 'RESTORE_IN_PLACE' && status === 'COMPLETED' && volume.attachedTo?.status === 'STOPPED' && <StartAgain instance={volume.attachedTo} />}
        </>
      }
      foot={<Foot operation={operation} now={now} />}
    />
  )
}

function StartAgain({ instance }: { instance: { id: string; name: string } }) {
  const { start, pending } = useStartInstance(instance)
  return (
    <button type="button" onClick={start} aria-disabled={pending || undefined} className="-my-1 h-8 rounded-field text-accent-text underline underline-offset-2 hover:text-ink sm:ml-auto">
      Start <bdi>{instance.name}</bdi>
    </button>
  )
}

/** How far it came. */
function EndedBar({ value, ok }: { value: number; ok: boolean }) {
  return (
    <div aria-hidden="true" className="h-1.5 overflow-clip rounded-full bg-track">
      <div className={`h-full w-full rounded-full ${ok ? 'bg-ok' : 'bg-bar opacity-50'}`} style={{ transform: `translateX(${value - 100}%)` }} />
    </div>
  )
}

function Outcome({ operation, volume, now }: { operation: OperationFacts; volume: VolumeDetail; now: number }) {
  const { error, progress, targetVolume } = operation
  if (operation.status === 'COMPLETED') {
    const took = Date.parse(operation.finishedAt ?? operation.createdAt) - Date.parse(operation.startedAt ?? operation.createdAt)
    const span = formatTook(took)
    return (
      <>
        {progress.bytesTotal > 0 ? `${formatBytes(progress.bytesTotal)} in ${span}.` : `It took ${span}.`}
        {targetVolume && targetVolume.id !== volume.id && (
          <>
            {' '}
            <TextLink inline to="/volumes/$volumeId" params={{ volumeId: targetVolume.id }}>
              Open <bdi>{targetVolume.name}</bdi>
            </TextLink>
          </>
        )}
      </>
    )
  }
  const why = error && sentence(error.message)
  const held = heldWords(operation.heldUntil, now)
  // Of a restore from a backup, the agent's own words tell both ways out.
  const help = error && !(error.code === 'IMAGE_DAMAGED' && operation.backup) && failureWords(error.code, held !== '')
  return [why, help, held, effect(operation, volume)].filter(Boolean).join(' ')
}

function effect({ kind, status }: OperationFacts, volume: VolumeDetail): string {
  if (kind === 'RESTORE_IN_PLACE' && volume.dataState === 'INCONSISTENT') {
    return 'The volume is partly overwritten. Roll back again before you attach it.'
  }
  if (status !== 'FAILED' && status !== 'CANCELLED') return ''
  return kind === 'CREATE_VOLUME' || kind.startsWith('DELETE_') ? '' : 'The volume was not changed.'
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
