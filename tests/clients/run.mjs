// Starts the gateway's binary with a user, lets the clients talk to it, and stops it.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const binary = process.env.TIDEMARK_BIN
const password = 'correct horse battery'
const email = 'ann@example.com'
const data = await mkdtemp(join(tmpdir(), 'tidemark-clients-'))
const port = await freePort()
const base = `http://127.0.0.1:${port}`
const env = {
  // Settings of whoever runs the tests are not for this gateway.
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_'))),
  TIDEMARK_DATABASE_URL: `sqlite://${data}/gateway.db`,
  TIDEMARK_LOG_FILTER: 'warn',
  TIDEMARK_HTTP_LISTEN: `127.0.0.1:${port}`,
}

let gateway
let code = 1
try {
  execFileSync(binary, ['migrate'], { env, cwd: data, stdio: 'inherit' })
  execFileSync(binary, ['user', 'create', '--email', email, '--account', 'Acme'], {
    env: { ...env, TIDEMARK_PASSWORD: password },
    cwd: data,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  gateway = spawn(binary, ['serve'], { env, cwd: data, stdio: ['ignore', 'ignore', 'inherit'] })
  await ready()
  const token = process.env.TIDEMARK_TOKEN ?? (await signIn())
  const clients = { ...process.env, TIDEMARK_URL: base, TIDEMARK_TOKEN: token }
  // The last check of check.mjs ends the token, so that Python goes first.
  for (const [program, ...args] of [
    ['node_modules/.python/bin/python', 'check.py'],
    [process.execPath, 'judge.mjs'],
    [process.execPath, 'check.mjs'],
  ]) {
    await run(program, args, clients)
  }
  code = 0
} catch (error) {
  console.error(`clients: ${error.message}`)
} finally {
  if (gateway && gateway.exitCode === null) {
    const ended = new Promise((exited) => gateway.once('exit', exited))
    gateway.kill('SIGTERM')
    await ended
  }
  await rm(data, { recursive: true, force: true })
}
process.exit(code)

async function signIn() {
  const input = `{ email: "${email}", password: "${password}" }`
  const answer = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `mutation { signIn(input: ${input}) { token } }` }),
  })
  const body = await answer.json()
  assert.ok(body.data?.signIn, JSON.stringify(body))
  return body.data.signIn.token
}

async function ready() {
  const deadline = Date.now() + 20_000
  for (;;) {
    if (gateway.exitCode !== null) throw new Error(`the gateway ended with ${gateway.exitCode}`)
    const answer = await fetch(`${base}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    if (Date.now() > deadline) throw new Error('the gateway is not ready')
    await new Promise((passed) => setTimeout(passed, 50))
  }
}

async function run(program, args, env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const status = await new Promise((exited, fail) => {
    child.once('exit', exited)
    child.once('error', fail)
  })
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}`)
}

async function freePort() {
  const server = createServer()
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address()
  await new Promise((closed) => server.close(closed))
  return port
}
