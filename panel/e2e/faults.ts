/** Real faults of storage and processes, as they happen to an operator. */

import { open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'

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

/** Waits for the process that serves an image to the gateway's agent and stops it where it is; gives a way to let it go on. */
export async function freezeImageServer(gateway: Gateway): Promise<() => void> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const [pid] = await childrenOf(gateway.pid, 'qemu-nbd')
    if (pid !== undefined && send(pid, 'SIGSTOP')) return () => send(pid, 'SIGCONT')
    if (Date.now() > deadline) throw new Error('no image is served')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
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
