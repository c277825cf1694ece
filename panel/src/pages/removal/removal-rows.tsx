/** At the end of a page: how what it shows is deleted, and how it is written off where it can never be. */

import { FileX, Trash2 } from 'lucide-react'
import { useState } from 'react'

import { ActionRow, ActionRows } from '~/parts/action-rows'
import { Button } from '~/parts/button'

import { type Removal, RemoveDialog } from './remove-dialog'
import { WriteOffDialog, type WriteOffTarget } from './write-off-dialog'

interface RemovalRowsProps<Data, Input> {
  removal: Removal<Data, Input>
  /** When it can be deleted, and what goes with it. */
  children: string
  /** What of it can be written off. */
  writeOff?: { target: WriteOffTarget; about: string }
}

export function RemovalRows<Data, Input>({ removal, children, writeOff }: RemovalRowsProps<Data, Input>) {
  const [opened, setOpened] = useState<'delete' | 'writeOff'>()
  const { noun } = removal
  const close = () => setOpened(undefined)
  return (
    <ActionRows label={`Remove the ${noun}`}>
      <ActionRow
        title={`Delete this ${noun}`}
        action={
          <Button icon={<Trash2 size={16} aria-hidden />} onClick={() => setOpened('delete')}>
            Delete {noun}…
          </Button>
        }
      >
        {children}
      </ActionRow>
      {writeOff && <WriteOffRow noun={noun} onOpen={() => setOpened('writeOff')} />}
      {opened === 'delete' && (
        <RemoveDialog removal={removal} onClosed={close}>
          {' is removed for good. Nothing may use it any more.'}
        </RemoveDialog>
      )}
      {opened === 'writeOff' && writeOff && <WriteOffDialog noun={noun} name={removal.name} onGone={removal.onGone} {...writeOff} onClosed={close} />}
    </ActionRows>
  )
}

/** Where something is deleted in a way of its own. */
export function WriteOffRow({ noun, onOpen }: { noun: string; onOpen: () => void }) {
  return (
    <ActionRow
      title={`Write off this ${noun}`}
      action={
        <Button icon={<FileX size={16} aria-hidden />} onClick={onOpen}>
          Write off…
        </Button>
      }
    >
      For what can never be deleted, because where it lies is gone. Its record ends and nothing more is billed for it.
    </ActionRow>
  )
}
