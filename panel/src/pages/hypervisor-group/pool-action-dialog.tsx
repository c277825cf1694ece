/** The dialog of each thing that can be done with a storage pool. */

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { AcceptPlaceDialog } from '~/pages/place/accept-place-dialog'
import { RemoveDialog } from '~/pages/removal/remove-dialog'
import { WriteOffDialog } from '~/pages/removal/write-off-dialog'
import { RenameDialog } from '~/parts/rename-dialog'
import { useDialog } from '~/parts/use-dialog'

const UpdateStoragePool = graphql(`
  mutation UpdateStoragePool($input: UpdateStoragePoolInput!) {
    updateStoragePool(input: $input) {
      storagePool { id name }
    }
  }
`)

const DeleteStoragePool = graphql(`
  mutation DeleteStoragePool($input: DeleteStoragePoolInput!) {
    deleteStoragePool(input: $input) {
      deletedStoragePoolId
    }
  }
`)

export type PoolAction = 'rename' | 'accept' | 'delete' | 'writeOff'

interface PoolActionDialogProps {
  action: PoolAction
  pool: { id: string; name: string }
  onClosed: () => void
}

export function PoolActionDialog({ action, pool, onClosed }: PoolActionDialogProps) {
  if (action === 'rename') return <RenamePoolDialog pool={pool} onClosed={onClosed} />
  if (action === 'accept') return <AcceptPlaceDialog noun="storage pool" name={pool.name} place={{ storagePoolId: pool.id }} onClosed={onClosed} />
  if (action === 'writeOff') return <WriteOffDialog noun="storage pool" name={pool.name} target={{ storagePoolId: pool.id }} about="The volumes in it have to be written off before." onClosed={onClosed} />
  const input = (confirmName: string) => ({ storagePoolId: pool.id, confirmName })
  return (
    <RemoveDialog removal={{ noun: 'storage pool', name: pool.name, mutation: DeleteStoragePool, input }} onClosed={onClosed}>
      {' is removed for good. No volume may lie there any more; what lies there otherwise stays.'}
    </RemoveDialog>
  )
}

function RenamePoolDialog({ pool, onClosed }: Omit<PoolActionDialogProps, 'action'>) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(UpdateStoragePool)
  const rename = async (name: string) => {
    if (await submit(() => ({ input: { storagePoolId: pool.id, name } }))) dialog.close()
  }
  return (
    <RenameDialog
      dialog={dialog.props}
      noun="storage pool"
      name={pool.name}
      bound={bounds.UpdateStoragePoolInput.name}
      pending={pending}
      failure={failure}
      onRename={(name) => void rename(name)}
    />
  )
}
