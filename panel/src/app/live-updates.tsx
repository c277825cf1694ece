/**
 * Keeps every screen current: each transition of an operation that the viewer may see makes the
 * screen ask again. One that ends while its volume is not on the screen is told by a toast.
 */

import { useRouterState } from '@tanstack/react-router'

import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { useStream } from '~/api/use-stream'
import { operationWords } from '~/lib/operation-words'
import { toasts } from '~/lib/toasts'

import { useViewer } from './session'

const OperationEvents = graphql(`
  subscription OperationEvents {
    operationEvents {
      cursor
      kind
      operation {
        id
        kind
        status
        volume { id name }
        targetVolume { id name }
        backup { id name volumeName }
        requestedBy { id }
        error { code message }
      }
    }
  }
`)

export function LiveUpdates() {
  const { refetch } = useApi()
  const viewer = useViewer()
  const path = useRouterState({ select: (state) => state.location.pathname })

  useStream(OperationEvents, {}, ({ operationEvents: { kind, operation } }) => {
    // Progress has streams of its own where it is shown.
    if (kind === 'PROGRESSED') return
    refetch()
    const { volume, targetVolume, backup, requestedBy, error } = operation
    const onScreen = [targetVolume, volume].some((one) => one && path === `/volumes/${one.id}`)
    if (onScreen || requestedBy?.id !== viewer.user.id) return
    const words = operationWords(operation.kind)
    const about = (targetVolume ?? volume)?.name ?? backup?.volumeName
    if (kind === 'COMPLETED') toasts.add({ tone: 'ok', title: words.done, detail: about })
    if (kind === 'FAILED') {
      toasts.add({ tone: 'bad', title: words.failed, detail: [about, error?.message].filter(Boolean).join(': ') })
    }
  })

  return null
}
