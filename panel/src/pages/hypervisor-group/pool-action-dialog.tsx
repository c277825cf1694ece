/** The dialog of each thing that can be done with a storage pool. */

import type { ComponentProps } from 'react'

import { graphql } from '~/api/graphql'
import { AcceptPlaceDialog } from '~/pages/place/accept-place-dialog'
import { RemoveDialog } from '~/pages/removal/remove-dialog'
import { WriteOffDialog } from '~/pages/removal/write-off-dialog'

import { ChangePoolDialog } from './change-pool-dialog'

const DeleteStoragePool = graphql(`
  mutation DeleteStoragePool($input: DeleteStoragePoolInput!) {
    deleteStoragePool(input: $input) {
      deletedStoragePoolId
    }
  }
`)

export type PoolAction = 'change' | 'accept' | 'delete' | 'writeOff'

interface PoolActionDialogProps extends ComponentProps<typeof ChangePoolDialog> {
  action: PoolAction
}

export function PoolActionDialog({ action, pool, hosts, onClosed }: PoolActionDialogProps) {
  if (action === 'change') return <ChangePoolDialog pool={pool} hosts={hosts} onClosed={onClosed} />
  if (action === 'accept') return <AcceptPlaceDialog noun="storage pool" name={pool.name} medium={pool.storageType} place={{ storagePoolId: pool.id }} onClosed={onClosed} />
  if (action === 'writeOff') return <WriteOffDialog noun="storage pool" name={pool.name} target={{ storagePoolId: pool.id }} about="The volumes in it have to be written off before." onClosed={onClosed} />
  const input = (confirmName: string) => ({ storagePoolId: pool.id, confirmName })
  return (
    <RemoveDialog removal={{ noun: 'storage pool', name: pool.name, mutation: DeleteStoragePool, input }} onClosed={onClosed}>
      {' is removed for good. No volume may lie there any more; what lies there otherwise stays.'}
    </RemoveDialog>
  )
}
