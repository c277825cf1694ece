/**
 * Keeps every screen current: each transition of an operation that the viewer may see makes the
 * screen ask again. One that ends while its volume is not on the screen is told by a toast.
 */

import { useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'

import { useApi } from '~/api/context'
import { graphql } from '~/api/graphql'
import { OperationFacts } from '~/api/operation'
import { useStream } from '~/api/use-stream'
import { isolate } from '~/lib/isolate'
import { operationWords } from '~/lib/operation-words'
import { toasts } from '~/lib/toasts'

import { useIsAdmin, useViewer } from './session'

const OperationEvents = graphql(
  `
    subscription OperationEvents($isAdmin: Boolean!) {
      operationEvents {
        cursor
        kind
        operation { ...OperationFacts }
      }
    }
  `,
  [OperationFacts],
)

/** An event or an answer may be lost: while something happens, the screen asks again after so long, as the gateway's own streams do. */
const LOOK_AGAIN = 15_000

export function LiveUpdates() {
  const { refetch, operations } = useApi()
  const viewer = useViewer()
  const isAdmin = useIsAdmin()
  const path = useRouterState({ select: (state) => state.location.pathname })

  useStream(OperationEvents, { isAdmin }, ({ operationEvents: { kind, operation } }) => {
    // Progress has streams of its own where it is shown.
    if (kind === 'PROGRESSED') return
    refetch()
    const { volume, targetVolume, backup, requestedBy, error } = operation
    const onScreen = [targetVolume, volume].some((one) => one && path === `/volumes/${one.id}`)
    if (onScreen || requestedBy?.id !== viewer.user.id) return
    const words = operationWords(operation.kind)
    const about = isolate((targetVolume ?? volume)?.name ?? backup?.volumeName ?? operation.subjectName)
    if (kind === 'COMPLETED') toasts.add({ tone: 'ok', title: words.done, detail: about })
    if (kind === 'FAILED') {
      toasts.add({ tone: 'bad', title: words.failed, detail: [about, error?.message].filter(Boolean).join(': ') })
    }
  })

  useEffect(() => {
    const timer = setInterval(() => {
      if (operations.isStirring(2 * LOOK_AGAIN)) refetch()
    }, LOOK_AGAIN)
    return () => clearInterval(timer)
  }, [operations, refetch])

  return null
}
