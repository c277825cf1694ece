/** The cells that snapshots and backups have in common. */

import { RotateCcw, Trash2 } from 'lucide-react'
import type { ReactNode } from 'react'

import { Button } from '~/parts/button'
import { Cell, Lines, Row } from '~/parts/table'
import { TimeLines } from '~/parts/time'

import { ItemStatus } from './item-status'

interface ItemRowProps {
  item: { name: string; status: string; createdAt: string; failure: string | null }
  /** What stands below the name of one that did not fail. */
  about?: ReactNode
  /** The cells between the status and the time. */
  children: ReactNode
  /** Why it cannot be restored or deleted now; null if it can. */
  restoreReason: string | null
  deleteReason: string | null
  onRestore: () => void
  onDelete: () => void
}

const RESTORABLE = ['AVAILABLE', 'RESTORING']

export function ItemRow({ item, about, children, ...actions }: ItemRowProps) {
  const failure = item.failure && <span className="line-clamp-2 max-w-80 text-bad anywhere">{item.failure}</span>
  return (
    <Row>
      <Cell className="@table:max-w-0 @table:min-w-40">
        <Lines first={<span className="text-body font-medium"><bdi>{item.name}</bdi></span>} second={failure ?? about} title={item.name} />
      </Cell>
      <Cell place="right">
        <ItemStatus status={item.status} />
      </Cell>
      {children}
      <Cell>
        <TimeLines at={item.createdAt} />
      </Cell>
      <Cell place="late">
        <div className="flex items-center justify-end gap-2">
          {RESTORABLE.includes(item.status) && (
            <Button size="small" icon={<RotateCcw size={14} aria-hidden />} reason={actions.restoreReason} onClick={actions.onRestore} aria-label={`Restore ${item.name}`}>
              Restore
            </Button>
          )}
          <Button kind="quiet" size="icon" icon={<Trash2 size={16} aria-hidden />} reason={actions.deleteReason} onClick={actions.onDelete} aria-label={`Delete ${item.name}`} />
        </div>
      </Cell>
    </Row>
  )
}
