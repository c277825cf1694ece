// What common GraphQL clients see of the gateway at TIDEMARK_URL, signed in by TIDEMARK_TOKEN.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client as Urql, fetchExchange, subscriptionExchange } from '@urql/core'
import { auditServer } from 'graphql-http'
import { createClient as createSse } from 'graphql-sse'
import { createClient as createWs } from 'graphql-ws'
import WebSocket from 'ws'

const { TIDEMARK_URL: base, TIDEMARK_TOKEN: token } = process.env
const url = `${base}/graphql`
const socketUrl = `${base.replace('http', 'ws')}/graphql/ws`
const authorization = `Bearer ${token}`
const headers = { authorization }
const QUERY = 'query Viewer { viewer { user { email } } }'
const WATCH = 'subscription Watch { operationEvents { cursor } }'
const MUTATION = 'mutation Out { signOut }'

let failed = 0
async function check(name, work) {
  let timer
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error('it took more than 10 seconds')), 10_000)
  })
  try {
    await Promise.race([work(), late])
    console.log(`ok      ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAILED  ${name}\n${error.stack ?? JSON.stringify(error)}`)
  } finally {
    clearTimeout(timer)
  }
}

/** A client of graphql-ws, and the code by which its socket is closed. */
function socket(options) {
  let told
  const closed = new Promise((close) => {
    told = close
  })
  const client = createWs({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
    retryAttempts: 0,
    on: { closed: (event) => told(event.code) },
    ...options,
  })
  return { client, closed }
}

function once(client, query) {
  return new Promise((answer, fail) => {
    let last
    client.subscribe({ query }, { next: (value) => (last = value), error: fail, complete: () => answer(last) })
  })
}

await check('graphql-http: all audits', async () => {
  const results = await auditServer({ url, fetchFn: (to, init) => fetch(to, init) })
  const bad = results.filter(({ status }) => status !== 'ok')
  assert.deepEqual(bad.map(({ name, reason }) => `${name}: ${reason}`), [])
  assert.equal(results.length, 61)
})

for (const lazy of [true, false]) {
  await check(`graphql-ws, ${lazy ? '' : 'not '}lazy: a query, and a clean end`, async () => {
    const { client, closed } = socket({ lazy, onNonLazyError: () => {} })
    const answer = await once(client, QUERY)
    assert.ok(answer.data.viewer.user.email)
    if (!lazy) await client.dispose()
    assert.equal(await closed, 1000)
  })
  await check(`graphql-ws, ${lazy ? '' : 'not '}lazy: a subscription that its client ends`, async () => {
    const { client, closed } = socket({ lazy, onNonLazyError: () => {} })
    const ended = new Promise((complete, error) => {
      const end = client.subscribe({ query: WATCH }, { next() {}, error, complete })
      once(client, QUERY).then(end, error)
    })
    await ended
    if (!lazy) await client.dispose()
    assert.equal(await closed, 1000)
  })
}

await check('graphql-ws: a wrong token is closed with 4403', async () => {
  const { client, closed } = socket({ connectionParams: { authorization: 'Bearer nobody' } })
  await assert.rejects(once(client, QUERY))
  assert.equal(await closed, 4403)
})

await check('ws: a message that is too large is closed with 1009', async () => {
  const raw = new WebSocket(socketUrl, 'graphql-transport-ws')
  await new Promise((open) => raw.once('open', open))
  raw.send('x'.repeat(4 * 1024 * 1024))
  raw.on('error', () => {})
  assert.equal(await new Promise((close) => raw.once('close', close)), 1009)
})

await check('graphql-sse: a query', async () => {
  const client = createSse({ url: `${url}/stream`, headers, retryAttempts: 0 })
  const answer = await once(client, QUERY)
  assert.ok(answer.data.viewer.user.email)
  client.dispose()
})

await check('urql: a query by GET and by POST, and a subscription over a socket', async () => {
  const { client: transport, closed } = socket({})
  const client = new Urql({
    url,
    fetchOptions: { headers },
    preferGetMethod: false,
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: transport.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  })
  for (const preferGetMethod of [false, 'force']) {
    const answer = await client.query(QUERY, {}, { preferGetMethod }).toPromise()
    assert.equal(answer.error, undefined)
    assert.ok(answer.data.viewer.user.email)
  }
  const { unsubscribe } = client.subscription(WATCH, {}).subscribe(() => {})
  await once(transport, QUERY)
  unsubscribe()
  assert.equal(await closed, 1000)
})

function apollo(link) {
  return new ApolloClient({ link, cache: new InMemoryCache() })
}
const http = new HttpLink({ uri: url, headers })
const query = gql(QUERY)

await check('Apollo over HTTP', async () => {
  const { data } = await apollo(http).query({ query })
  assert.ok(data.viewer.user.email)
})

await check('Apollo over a socket', async () => {
  const { client, closed } = socket({})
  const { data } = await apollo(new GraphQLWsLink(client)).query({ query })
  assert.ok(data.viewer.user.email)
  assert.equal(await closed, 1000)
})

await check('Apollo with persisted queries sends the document once it is told to', async () => {
  const sha256 = (text) => createHash('sha256').update(text).digest('hex')
  for (const useGETForHashedQueries of [false, true]) {
    const { client, closed } = socket({})
    for (const link of [http, new GraphQLWsLink(client)]) {
      const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries })
      const { data } = await apollo(ApolloLink.from([persisted, link])).query({ query })
      assert.ok(data.viewer.user.email)
    }
    assert.equal(await closed, 1000)
  }
})

// The last one: it ends the token.
await check('a mutation: its token ends, and with it the streams', async () => {
  const { client, closed } = socket({})
  const watched = new Promise((complete, fail) => {
    client.subscribe({ query: WATCH }, { next() {}, error: fail, complete })
  })
  watched.catch(() => {})
  let opened
  const open = new Promise((resolve) => {
    opened = resolve
  })
  const events = createSse({ url: `${url}/stream`, headers, retryAttempts: 0, on: { connected: opened } })
  const streamed = once(events, WATCH)
  await Promise.all([open, once(client, QUERY)])
  const { data } = await apollo(http).mutate({ mutation: gql(MUTATION) })
  assert.equal(data.signOut, true)
  await assert.rejects(watched)
  assert.equal(await closed, 4403)
  const last = await streamed
  assert.equal(last.errors[0].extensions.code, 'UNAUTHENTICATED')
})

process.exit(failed === 0 ? 0 : 1)
