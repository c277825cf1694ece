/** Above a list, where its owner has too much in flight: what that is, and where it runs. */


import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { type Blocker, reasonOf } from '~/lib/guards'
import { operationWords } from '~/lib/operation-words'
import { Notice } from '~/parts/notice'
import { TextLink } from '~/parts/text-link'

const InFlight = graphql(`
  query InFlight {
    started: operations(filter: { status: STARTED }, first: 10) {
      nodes { id kind volume { id name } targetVolume { id name } }
    }
    pending: operations(filter: { status: PENDING }, first: 10) {
      nodes { id kind volume { id name } targetVolume { id name } }
    }
  }
`)

export function InFlightNote({ blockers }: { blockers: readonly Blocker[] }) {
  const blocker = blockers.find(({ code }) => code === 'IN_FLIGHT_LIMIT_REACHED')
  const [{ data }] = useKeptQuery({ query: InFlight, pause: !blocker })
  if (!blocker) return null
  const running = data ? [...data.started.nodes, ...data.pending.nodes] : []
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
                    {where.name}
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
