/**
 * What is asked of operations. What changes of one is asked for as a whole, by `OperationState`, wherever anything of it
 * is: only so can an older answer be told from a newer one. A test holds all documents to it.
 */

import { graphql, type FragmentOf } from './graphql'

/** What changes: a new field goes here, and into `CHANGING` in `operations.ts`. */
export const OperationState = graphql(`
  fragment OperationState on Operation @_unmask {
    id
    kind
    status
    revision
    attempt
    maxAttempts
    startedAt
    finishedAt
    heldUntil
    waiting { reason since position }
    progress { phase percent bytesDone bytesTotal bytesPerSecond etaSeconds }
    error { code message }
  }
`)

/** All that a banner shows: what is about an operation, too. */
export const OperationFacts = graphql(
  `
    fragment OperationFacts on Operation @_unmask {
      ...OperationState
      subjectName
      createdAt
      requestedBy { id email }
      hypervisor @include(if: $isAdmin) { id name }
      volume { id name }
      targetVolume { id name }
      snapshot { id name }
      backup { id name volumeName }
    }
  `,
  [OperationState],
)

export type OperationFacts = FragmentOf<typeof OperationFacts>
