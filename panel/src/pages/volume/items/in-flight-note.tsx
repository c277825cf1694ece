/** Above a list, where its owner has too much in flight: what that is, and where it runs. */

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { type Blocker, reasonOf } from '~/lib/guards'
import { isProtecting, operationWords } from '~/lib/operation-words'
import { Notice } from '~/parts/notice'
import { TextLink } from '~/parts/text-link'

const InFlight = graphql(`
  query InFlight($accountId: ID!) {
    started: operations(filter: { status: STARTED, accountId: $accountId }, first: 25) {
      nodes { id kind volume { id name } targetVolume { id name } }
    }
    pending: operations(filter: { status: PENDING, accountId: $accountId }, first: 25) {
      nodes { id kind volume { id name } targetVolume { id name } }
    }
  }
`)

export function InFlightNote({ blockers, accountId }: { blockers: readonly Blocker[]; accountId: string }) {
  const blocker = blockers.find(({ code }) => code === 'IN_FLIGHT_LIMIT_REACHED')
  const [{ data }] = useKeptQuery({ query: InFlight, variables: { accountId }, pause: !blocker })
  if (!blocker) return null
  const running = data ? [...data.started.nodes, ...data.pending.nodes].filter(({ kind }) => isProtecting(kind)) : []
  return (
    <Notice tone="warn" title={reasonOf([blocker], { now: 0 })}>
      <ul>
        {running.map(({ id, kind, volume, targetVolume }) => {
          const where = targetVolume ?? volume
          return (
            <li key={id}>
              {operationWords(kind).running}
              {where && (
                <>
                  {' · '}
                  <TextLink inline to="/volumes/$volumeId" params={{ volumeId: where.id }}>
                    <bdi>{where.name}</bdi>
                  </TextLink>
                </>
              )}
            </li>
          )
        })}
      </ul>
    </Notice>
  )
}
