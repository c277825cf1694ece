/** When one can go back to: all recovery points on a line from the oldest to now. */

import { useState } from 'react'

import { useServerTime } from '~/api/context'
import { formatAgo } from '~/lib/instant'
import { counted } from '~/lib/pages'
import { ribbonScale } from '~/lib/ribbon'
import { cx } from '~/parts/cx'

import type { BackupRow, SnapshotRow } from '../volume-query'

export type ItemKind = 'snapshots' | 'backups'

interface RecoveryRibbonProps {
  snapshots: readonly SnapshotRow[]
  backups: readonly BackupRow[]
  /** Whose marks stand out. */
  current: ItemKind
  /** The first one is being asked for: it has its place already. */
  coming: boolean
}

const USABLE = ['AVAILABLE', 'RESTORING']
const COMING = ['PENDING', 'CREATING']

export function RecoveryRibbon({ snapshots, backups, current, coming }: RecoveryRibbonProps) {
  const now = useServerTime('halfMinute')
  // It stays: an operation may have ended before its item is listed.
  const [hasCome, setHasCome] = useState(coming)
  if (coming && !hasCome) setHasCome(true)
  const points = [
    ...snapshots.map((item) => ({ ...item, kind: 'snapshots' as const })),
    ...backups.map((item) => ({ ...item, kind: 'backups' as const })),
  ]
  const usable = points.filter((point) => USABLE.includes(point.status))
  const shown = points.filter((point) => USABLE.includes(point.status) || COMING.includes(point.status))
  if (shown.length === 0 && !hasCome) return null

  const age = (point: { createdAt: string }) => now - Date.parse(point.createdAt)
  const scale = ribbonScale(Math.max(0, ...shown.map(age)))
  const newest = (kind: ItemKind) => usable.find((point) => point.kind === kind)
  // Those of the other kind lie below.
  const inOrder = shown.toSorted((a, b) => Number(a.kind === current) - Number(b.kind === current))

  return (
    <div className="pb-7">
      <p className="flex flex-wrap items-center gap-x-5 gap-y-1 text-small">
        <span className="font-semibold">{counted(usable.length, 'recovery point')}</span>
        {(['snapshots', 'backups'] as const).map((kind) => {
          const item = newest(kind)
          const noun = kind === 'snapshots' ? 'snapshot' : 'backup'
          return (
            <span key={kind} className="flex items-center gap-2 text-ink-2">
              <span className={cx('size-2.5', shape(kind), kind === current ? 'bg-bar' : 'bg-line-strong')} aria-hidden="true" />
              {item ? (
                <span>
                  Newest {noun} <time dateTime={item.createdAt} className="font-medium text-ink">{formatAgo(Date.parse(item.createdAt), now)}</time>
                </span>
              ) : (
                `No ${noun} yet`
              )}
            </span>
          )
        })}
      </p>
      <div className="relative mt-4 h-9 text-meta text-ink-3" aria-hidden="true">
        <div className="absolute inset-x-0 top-2 h-px bg-line-strong/50" />
        {[...scale.ticks, { label: 'now', position: 1 }].map((tick) => (
          <div key={tick.label} className="absolute top-1 h-2 w-px bg-line-strong/60" style={{ left: `${tick.position * 100}%` }}>
            <span className={cx('absolute top-4 whitespace-nowrap', tick.position > 0.97 ? 'right-0' : tick.position < 0.03 ? 'left-0' : '-translate-x-1/2')}>
              {tick.label}
            </span>
          </div>
        ))}
        {inOrder.map((point) => (
          <span
            key={point.id}
            className={cx(
              'absolute top-[3px] size-[11px] -translate-x-1/2 ring-2 ring-canvas',
              shape(point.kind),
              point.kind === current ? 'bg-bar' : 'bg-line-strong',
              COMING.includes(point.status) && 'animate-pulse',
            )}
            style={{ left: `clamp(6px, ${scale.position(age(point)) * 100}%, calc(100% - 6px))` }}
          />
        ))}
      </div>
    </div>
  )
}

function shape(kind: ItemKind): string {
  return kind === 'snapshots' ? 'rounded-full' : 'rounded-[2px]'
}
