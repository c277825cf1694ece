/** What an administrator does with an instance: gives it another name, or deletes it. */

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { RemoveDialog } from '~/pages/removal/remove-dialog'
import { RenameDialog } from '~/parts/rename-dialog'
import { useDialog } from '~/parts/use-dialog'

const UpdateInstance = graphql(`
  mutation UpdateInstance($input: UpdateInstanceInput!) {
    updateInstance(input: $input) {
      instance { id name }
    }
  }
`)

const DeleteInstance = graphql(`
  mutation DeleteInstance($input: DeleteInstanceInput!) {
    deleteInstance(input: $input) {
      deletedInstanceId
    }
  }
`)

export type InstanceAction = 'rename' | 'delete'

interface InstanceActionDialogProps {
  action: InstanceAction
  instance: { id: string; name: string }
  onClosed: () => void
}

export function InstanceActionDialog({ action, instance, onClosed }: InstanceActionDialogProps) {
  if (action === 'rename') return <RenameInstanceDialog instance={instance} onClosed={onClosed} />
  const input = (confirmName: string) => ({ instanceId: instance.id, confirmName })
  return (
    <RemoveDialog removal={{ noun: 'instance', name: instance.name, mutation: DeleteInstance, input }} onClosed={onClosed}>
      {' is removed for good. It has to be stopped, and its volumes detached.'}
    </RemoveDialog>
  )
}

function RenameInstanceDialog({ instance, onClosed }: Omit<InstanceActionDialogProps, 'action'>) {
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(UpdateInstance)
  const rename = async (name: string) => {
    if (await submit(() => ({ input: { instanceId: instance.id, name } }))) dialog.close()
  }
  return (
    <RenameDialog
      dialog={dialog.props}
      noun="instance"
      name={instance.name}
      bound={bounds.UpdateInstanceInput.name}
      pending={pending}
      failure={failure}
      onRename={(name) => void rename(name)}
    />
  )
}
