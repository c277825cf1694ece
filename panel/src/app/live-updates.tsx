/**
 * Keeps every screen current: each transition of an operation that the viewer may see makes the
 * screen ask again. One that ends while its volume is not on the screen is told by a toast.
 */

import { useRouterState } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useSubscription } from 'urql'

import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
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
  const seen = useRef('')
  const [{ data }] = useSubscription({ query: OperationEvents })
  const event = data?.operationEvents

  useEffect(() => {
    if (!event || event.cursor === seen.current) return
    seen.current = event.cursor
    // Progress has streams of its own where it is shown.
    if (event.kind === 'PROGRESSED') return
    refetch()
    const { operation } = event
    const about = operation.targetVolume ?? operation.volume
    const onScreen = [operation.targetVolume, operation.volume].some((volume) => volume && path === `/volumes/${volume.id}`)
    if (onScreen || operation.requestedBy?.id !== viewer.user.id) return
    const words = operationWords(operation.kind)
    const detail = about?.name ?? operation.backup?.volumeName
    if (event.kind === 'COMPLETED') toasts.add({ tone: 'ok', title: words.done, detail })
    if (event.kind === 'FAILED') {
      const parts = [detail, operation.error?.message].filter(Boolean)
      toasts.add({ tone: 'bad', title: words.failed, detail: parts.join(': ') })
    }
  }, [event, path, refetch, viewer.user.id])

  return null
}
