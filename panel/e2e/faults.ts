/** Real faults of storage, processes and connections, as they happen to an operator. */

import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { Page, Route } from '@playwright/test'

import type { Json } from './api.ts'
import type { Customer } from './fixtures.ts'
import type { Gateway } from './gateway.ts'

/** Takes the directory of the backups away, and gives a way to put it back. */
export async function takeDestinationAway(gateway: Gateway): Promise<() => Promise<void>> {
  const there = join(gateway.data, 'backups')
  const away = `${there}-away`
  await rename(there, away)
  return () => rename(away, there)
}

/** The data of a backup, on the disk. */
export async function backupFile(gateway: Gateway, backupId: string): Promise<string> {
  const root = join(gateway.data, 'backups')
  const files = (await readdir(root, { recursive: true })).filter((path) => path.includes(backupId)).map((path) => join(root, path))
  const sizes = await Promise.all(files.map(async (path): Promise<[path: string, size: number]> => [path, (await stat(path)).size]))
  const [largest] = sizes.toSorted(([, a], [, b]) => b - a)
  if (!largest) throw new Error(`nothing lies on the backup storage for ${backupId}`)
  return largest[0]
}

/** Turns a few bits in the middle of a file. */
export async function damage(path: string): Promise<void> {
  const file = await open(path, 'r+')
  const { size } = await file.stat()
  const bytes = Buffer.alloc(512)
  const at = Math.floor(size / 2)
  await file.read(bytes, 0, bytes.length, at)
  await file.write(bytes.map((byte) => byte ^ 0xff), 0, bytes.length, at)
  await file.close()
}

/** Overwrites the beginning of a volume's image, so that it is none any more. */
export async function ruinImage(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(2 ** 20, 'not an image'), 0, 2 ** 20, 0)
  await file.close()
}

/**
 * Waits until a roll back writes into the volume, and stops the process that serves its image; gives a way to let it
 * go on. What the disk shares with nobody goes past that process: the volume has to have a snapshot of what is written.
 */
export async function freezeRollBack(gateway: Gateway, { api, volume }: Customer): Promise<() => void> {
  const query = 'query ($id: ID!) { volume(id: $id) { activeOperation { progress { phase } } } }'
  const deadline = Date.now() + 60_000
  for (;;) {
    const [pid] = await childrenOf(gateway.pid, 'qemu-nbd')
    // It stands still while the gateway is asked, and so does not get ahead of what that says.
    if (pid !== undefined && send(pid, 'SIGSTOP')) {
      const answer = await api.ask(query, { id: volume.id })
      if (answer['volume'].activeOperation?.progress.phase === 'Restoring') return () => send(pid, 'SIGCONT')
      send(pid, 'SIGCONT')
    }
    if (Date.now() > deadline) throw new Error('nothing is rolled back')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Lets the next request of that name reach the gateway, and cuts the connection before its answer arrives. */
export async function loseAnswer(page: Page, operationName: string): Promise<void> {
  await onNext(page, operationName, async (route) => {
    await route.fetch()
    await route.abort('connectionreset')
  })
}

/** Has something happen while the next request of that name is on its way: the page cannot have known of it. */
export async function overtake(page: Page, operationName: string, happen: () => Promise<unknown>): Promise<void> {
  await onNext(page, operationName, async (route) => {
    await happen()
    await route.continue()
  })
}

/** Loses the events of a kind on their way to the page. */
export async function loseEvents(page: Page, kind: string): Promise<void> {
  await page.routeWebSocket('**/graphql/ws', (socket) => {
    const gateway = socket.connectToServer()
    gateway.onMessage((message) => {
      if (!String(message).includes(`"kind":"${kind}"`)) socket.send(message)
    })
  })
}

/** Ends the stream of that name, when it is begun for the first time, as the gateway does that cannot go on with it. */
export async function breakStream(page: Page, operationName: string): Promise<void> {
  let met = false
  await page.routeWebSocket('**/graphql/ws', (socket) => {
    const gateway = socket.connectToServer()
    socket.onMessage((message) => {
      const { type, id, payload } = JSON.parse(String(message)) as Json
      if (met || type !== 'subscribe' || payload.operationName !== operationName) return gateway.send(message)
      met = true
      socket.send(JSON.stringify({ id, type: 'error', payload: [{ message: 'Something went wrong.', extensions: { code: 'INTERNAL' } }] }))
    })
  })
}

/** Lets the page believe what is not so, or no longer: `change` is made to each answer of that name. */
export async function misinform(page: Page, operationName: string, change: (data: Json) => void): Promise<void> {
  await page.route('**/graphql', async (route) => {
    if (nameOf(route) !== operationName) return route.fallback()
    const response = await route.fetch()
    const json = (await response.json()) as { data: Json }
    change(json.data)
    await route.fulfill({ response, json })
  })
}

async function onNext(page: Page, operationName: string, handle: (route: Route) => Promise<void>): Promise<void> {
  let met = false
  await page.route('**/graphql', async (route) => {
    if (met || nameOf(route) !== operationName) return route.fallback()
    met = true
    await handle(route)
  })
}

function nameOf(route: Route): string {
  return route.request().postDataJSON().operationName
}

/** Sends a signal to a process; false where that has ended. */
function send(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

async function childrenOf(parent: number, command: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found: number[] = []
  for (const pid of pids) {
    // One that has just ended is none.
    const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
    const [, name, parentPid] = /\((.*)\) \S (\d+)/.exec(line) ?? []
    if (name === command && Number(parentPid) === parent) found.push(Number(pid))
  }
  return found
}
