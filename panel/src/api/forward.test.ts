import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pipe, subscribe } from 'wonka'

import { OPERATION_KINDS } from '~/lib/operation-words'

import { cache } from './cache'
import { forwardOnly } from './forward'
import { Operations } from './operations'

const FACTS = `
  __typename id kind status revision attempt maxAttempts startedAt finishedAt heldUntil
  waiting { __typename reason since position }
  progress { __typename phase percent bytesDone bytesTotal }
  error { __typename code message }
  subjectName createdAt
  requestedBy { __typename id email }
  volume { __typename id } targetVolume { __typename id } snapshot { __typename id } backup { __typename id }
`

type Kind = (typeof OPERATION_KINDS)[number]

/** An operation as the gateway tells it: `revision` 1 waits, 2 runs, 3 is done, unless said otherwise. */
function operation(kind: Kind, revision: number, more: object = {}) {
  const status = ['', 'PENDING', 'STARTED', 'COMPLETED'][revision]
  return {
    __typename: 'Operation',
    id: `operation of ${kind}`,
    kind,
    status,
    revision,
    attempt: 1,
    maxAttempts: 3,
    heldUntil: null,
    waiting: null,
    startedAt: revision > 1 ? '2026-11-22T12:00:01.000Z' : null,
    finishedAt: revision > 2 ? '2026-11-22T12:00:02.000Z' : null,
    progress: { __typename: 'OperationProgress', phase: 'Working', percent: 0, bytesDone: 0, bytesTotal: 0 },
    error: null,
    subjectName: 'before-upgrade',
    createdAt: '2026-11-22T12:00:00.000Z',
    requestedBy: null,
    volume: { __typename: 'Volume', id: 'v' },
    targetVolume: kind === 'RESTORE_TO_NEW_VOLUME' ? { __typename: 'Volume', id: 'new' } : null,
    snapshot: null,
    backup: null,
    ...more,
  }
}

/** A client whose answers and events come when the test says so. */
function panel() {
  const operations = new Operations()
  const answers: ((data: object) => void)[] = []
  let tell: (data: object) => void = () => {}
  const client = new Client({
    url: 'http://gateway.example/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: () =>
      new Promise((resolve) => {
        answers.push((data) => resolve(new Response(JSON.stringify({ data }), { headers: { 'content-type': 'application/json' } })))
      }),
    exchanges: [
      cache(),
      forwardOnly(operations),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: () => ({
          subscribe: (sink) => {
            tell = (data) => sink.next({ data: data as never })
            return { unsubscribe: () => {} }
          },
        }),
      }),
    ],
  })
  const shown: string[] = []
  pipe(
    client.query(gql(`{ volume { __typename id activeOperation { ${FACTS} } operations { __typename nodes { ${FACTS} } } } }`), {}),
    subscribe(({ data }) => {
      const state = data?.volume.activeOperation?.status ?? data?.volume.operations.nodes[0]?.status
      if (state && shown.at(-1) !== state) shown.push(state)
    }),
  )
  pipe(
    client.subscription(gql(`subscription { activity { __typename operation { ${FACTS} } volume { __typename id activeOperation { __typename id } } } }`), {}),
    subscribe(() => {}),
  )
  const volume = (active: object | null, latest: object | null) => ({
    volume: { __typename: 'Volume', id: 'v', activeOperation: active, operations: { __typename: 'OperationConnection', nodes: latest ? [latest] : [] } },
  })
  return {
    operations,
    answers,
    shown,
    volume,
    event: (told: { status?: unknown; id: string; finishedAt: string | null }) =>
      tell({ activity: { __typename: 'VolumeActivity', operation: told, volume: { __typename: 'Volume', id: 'v', activeOperation: told.finishedAt ? null : { __typename: 'Operation', id: told.id } } } }),
    mutate: () => client.mutation(gql(`mutation { act { __typename operation { ${FACTS} } } }`), {}).toPromise(),
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test.each(OPERATION_KINDS)('the late answer of the mutation leaves %s where the events have brought it', async (kind) => {
  const { operations, answers, shown, volume, event, mutate } = panel()
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  const done = mutate()
  await vi.waitFor(() => expect(answers).toHaveLength(2))
  answers[0]?.(volume(operation(kind, 1), operation(kind, 1)))
  await vi.waitFor(() => expect(shown).toEqual(['PENDING']))
  event(operation(kind, 2))
  await vi.waitFor(() => expect(shown.at(-1)).toBe('STARTED'))
  event(operation(kind, 3))
  await vi.waitFor(() => expect(shown.at(-1)).toBe('COMPLETED'))
  answers[1]?.({ act: { __typename: 'Payload', operation: operation(kind, 1) } })
  expect((await done).data?.act.operation).toMatchObject({ status: 'COMPLETED', revision: 3 })
  expect(operations.of('v')).toMatchObject({ active: undefined, latest: { status: 'COMPLETED' } })
  expect(shown).toEqual(['PENDING', 'STARTED', 'COMPLETED'])
})

test.each(OPERATION_KINDS)('so does the answer of a query that was asked before %s began', async (kind) => {
  const { operations, answers, volume, event } = panel()
  await vi.waitFor(() => expect(answers).toHaveLength(1))
  const before = operation('CREATE_BACKUP', 3, { id: 'an earlier one', createdAt: '2026-11-22T11:00:00.000Z' })
  event(operation(kind, 2))
  answers[0]?.(volume(null, before))
  await vi.waitFor(() => expect(operations.of('v').latest?.id).toBe('an earlier one'))
  expect(operations.of('v').active).toMatchObject({ kind, status: 'STARTED' })
  event(operation(kind, 3))
  expect(operations.of('v')).toMatchObject({ active: undefined, latest: { kind, status: 'COMPLETED' } })
})

test('fewer bytes of the same attempt are old, those of another attempt are new', () => {
  const operations = new Operations()
  const bytes = (bytesDone: number, more: object = {}) => operation('CREATE_BACKUP', 2, { progress: { phase: 'Exporting', percent: 0, bytesDone, bytesTotal: 900 }, ...more })
  const read = (told: object) => {
    operations.read({ told })
    return operations.of('v').active?.progress.bytesDone
  }
  expect(read(bytes(500))).toBe(500)
  expect(read(bytes(300))).toBe(500)
  expect(read(bytes(100, { attempt: 2 }))).toBe(100)
  expect(read(bytes(800))).toBe(100)
})

test('an operation whose end nobody told of is over when a later answer does not know it any more', () => {
  const operations = new Operations()
  operations.read({ told: operation('CREATE_SNAPSHOT', 2) })
  const volume = () => ({ __typename: 'Volume', id: 'v', activeOperation: null as { id: string } | null })
  const early = volume()
  operations.read({ early }, 0)
  expect(early.activeOperation?.id).toBe('operation of CREATE_SNAPSHOT')
  const late = volume()
  operations.read({ late }, operations.ask())
  expect(late.activeOperation).toBeNull()
  expect(operations.of('v').active).toBeUndefined()
})

test('what is asked for stands there until it is answered, or until an event has told of it', () => {
  const operations = new Operations()
  const answered = operations.expect('v', { kind: 'CREATE_SNAPSHOT', subjectName: 'before-upgrade' })
  operations.read({ told: operation('CREATE_BACKUP', 3) })
  expect(operations.of('v').asked).toBeDefined()
  operations.read({ told: operation('CREATE_SNAPSHOT', 1) })
  expect(operations.of('v')).toMatchObject({ asked: undefined, active: { status: 'PENDING' } })
  answered()
  operations.expect('v', { kind: 'DELETE_SNAPSHOT', subjectName: 'before-upgrade' })()
  expect(operations.of('v').asked).toBeUndefined()
})

test('silence counts from the last answer, and over a link that works from the last change', () => {
  const operations = new Operations()
  operations.read({ told: operation('CREATE_BACKUP', 2) })
  const { id } = operation('CREATE_BACKUP', 2)
  vi.advanceTimersByTime(9_000)
  operations.read({ told: operation('CREATE_BACKUP', 2) })
  vi.advanceTimersByTime(1_000)
  expect(operations.silence(id, true)).toBe(1_000)
  expect(operations.silence(id, false)).toBe(10_000)
})

test('the step of one that waits is the one that it was at', () => {
  const operations = new Operations()
  const at = (phase: string) => operation('CREATE_BACKUP', 2, { progress: { phase, percent: 0, bytesDone: 0, bytesTotal: 900 } })
  const { id } = at('')
  operations.read({ told: at('Waiting for the backup storage') })
  expect(operations.step(id)).toBeUndefined()
  for (const phase of ['Exporting', 'Waiting for the backup storage']) operations.read({ told: at(phase) })
  expect(operations.step(id)).toBe('Exporting')
})

test('something stirs as long as it is told of before it ends, and for a while after it has ended', () => {
  const operations = new Operations()
  const stirs = () => operations.isStirring(30_000)
  expect(stirs()).toBe(false)
  operations.read({ told: operation('CREATE_VOLUME', 2) })
  vi.advanceTimersByTime(20_000)
  expect(stirs()).toBe(true)
  operations.read({ told: operation('CREATE_VOLUME', 2) })
  vi.advanceTimersByTime(20_000)
  expect(stirs()).toBe(true)
  vi.advanceTimersByTime(20_000)
  expect(stirs(), 'nobody tells of it any more').toBe(false)
  operations.read({ told: operation('CREATE_VOLUME', 3) })
  vi.advanceTimersByTime(20_000)
  operations.read({ told: operation('CREATE_VOLUME', 3) })
  expect(stirs()).toBe(true)
  vi.advanceTimersByTime(20_000)
  expect(stirs(), 'that it has ended is no news').toBe(false)
})
