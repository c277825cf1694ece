/**
 * What is known of operations, whoever told it: answers of queries and mutations, and events. It only goes forward:
 * answers come late, and out of order. Each is corrected by what is known before it gets into the cache, and what is
 * known of a volume's operations stands here for the banner.
 */

import { compareMoments, heldBy, isBefore, type Moment } from '~/lib/operation-order'
import { isWait } from '~/lib/wait-phase'

import type { OperationFacts } from './operation'

/** The fields that change, all of them in `OperationState`. */
export const CHANGING = ['status', 'revision', 'attempt', 'startedAt', 'finishedAt', 'heldUntil', 'waiting', 'progress', 'error'] as const

/** What an answer tells of an operation: what was asked of it. */
type Told = Moment & Pick<OperationFacts, 'id' | 'finishedAt' | 'progress'> & Partial<OperationFacts>

/** What was asked of a volume, and is not yet answered. */
export interface Asked {
  kind: OperationFacts['kind']
  subjectName: string
}

/** What there is to say of a volume. */
export interface OfVolume {
  /** On its way to the gateway. */
  asked: Asked | undefined
  /** What waits or runs. */
  active: OperationFacts | undefined
  /** The newest of those that have ended. */
  latest: OperationFacts | undefined
}

interface Heard {
  told: Told
  /** When it was first told of, counted in requests. */
  since: number
  /** When it was last told of, and when something had changed; by the local clock. */
  heardAt: number
  movedAt: number
  /** What its agent did last, whatever that waits for now. */
  step: string | undefined
}

/** So many operations of a volume are remembered, and so many in all. */
const OF_VOLUME = 20
const IN_ALL = 2_000

type Json = Record<string, unknown>

export class Operations {
  readonly #heard = new Map<string, Heard>()
  readonly #ofVolume = new Map<string, OperationFacts[]>()
  readonly #asked = new Map<string, Asked>()
  /** What older answers told of as at work that has ended. */
  readonly #outdated = new WeakSet<object>()
  /** Those that no longer hold their volume, though nobody told how they ended. */
  readonly #over = new Set<string>()
  readonly #listeners = new Set<() => void>()
  #requests = 0
  #version = 0

  /** Another one after each change. */
  get version(): number {
    return this.#version
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A query goes out; what it gives is for `read`. */
  ask(): number {
    this.#requests += 1
    return this.#requests
  }

  /**
   * Learns from an answer or an event, and corrects it in place where more is known already. `asked` is when the query
   * went out; 0 of what nobody asked for.
   */
  read(data: unknown, asked = 0): void {
    const before = this.#version
    each(data, 'Operation', (operation) => {
      if (isState(operation)) this.#settle(operation)
    })
    each(data, 'Volume', (volume) => this.#correct(volume, asked))
    if (this.#version !== before) for (const listener of this.#listeners) listener()
  }

  /** Something is about to be asked of a volume; the function is called when the answer is there. */
  expect(volumeId: string, asked: Asked): () => void {
    this.#asked.set(volumeId, asked)
    this.#changed()
    return () => {
      if (this.#asked.get(volumeId) !== asked) return
      this.#asked.delete(volumeId)
      this.#changed()
    }
  }

  of(volumeId: string): OfVolume {
    const all = this.#ofVolume.get(volumeId) ?? []
    const active = all.filter((one) => one.finishedAt === null && !this.#over.has(one.id))
    const holding = active.find((one) => heldBy(one).includes(volumeId))
    return {
      asked: this.#asked.get(volumeId),
      // The delete of a backup takes no lock, and what reads one is the matter of the volume that it makes.
      active: holding ?? active.find((one) => one.kind === 'DELETE_BACKUP'),
      latest: all.find((one) => one.finishedAt !== null),
    }
  }

  /**
   * For how many milliseconds nothing was told of an operation. Over a link that works, what is told again and again of
   * the same byte is no news.
   */
  silence(operationId: string, linkLost: boolean): number {
    const heard = this.#heard.get(operationId)
    if (!heard) return 0
    return Date.now() - (linkLost ? heard.heardAt : heard.movedAt)
  }

  /** The last step that an operation was told to be at; undefined where it was only seen waiting. */
  step(operationId: string): string | undefined {
    return this.#heard.get(operationId)?.step
  }

  /** Whether, within the last `milliseconds`, anything was told of what waits or runs, or something has ended. */
  isStirring(milliseconds: number): boolean {
    const since = Date.now() - milliseconds
    return [...this.#heard.values()].some(({ told, heardAt, movedAt }) => (told.finishedAt === null ? heardAt : movedAt) > since)
  }

  /** Waits until an operation has ended. */
  ended(operationId: string): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#heard.get(operationId)?.told.finishedAt == null) return
        stop()
        resolve()
      }
      const stop = this.subscribe(look)
      look()
    })
  }

  #settle(told: Told): void {
    const now = Date.now()
    const known = this.#heard.get(told.id)
    const order = known ? compareMoments(told, known.told) : 1
    if (known && order < 0) {
      if (told.finishedAt === null && known.told.finishedAt !== null) this.#outdated.add(told)
      for (const field of CHANGING) if (field in told && field in known.told) Object.assign(told, { [field]: known.told[field] })
    }
    const merged: Told = { ...known?.told, ...told }
    const moved = !known || order > 0 || known.told.progress.phase !== told.progress?.phase
    const { phase } = merged.progress
    this.#heard.set(told.id, {
      told: merged,
      since: known?.since ?? this.#requests,
      heardAt: now,
      movedAt: moved ? now : known.movedAt,
      step: isWait(phase) ? known?.step : phase,
    })
    if (isWhole(merged)) this.#file(merged, known === undefined)
    if (!known && this.#heard.size > IN_ALL) this.#forgetOldest()
    this.#version += 1
  }

  /** Puts it among those of its volumes, the newest first. */
  #file(facts: OperationFacts, isNew: boolean): void {
    for (const volume of [facts.volume, facts.targetVolume]) {
      if (!volume) continue
      const others = (this.#ofVolume.get(volume.id) ?? []).filter((one) => one.id !== facts.id)
      this.#ofVolume.set(volume.id, [...others, facts].toSorted((a, b) => (isBefore(a, b) ? 1 : -1)).slice(0, OF_VOLUME))
      // The answer is late: an event has told first what was asked for.
      if (isNew && this.#asked.get(volume.id)?.kind === facts.kind) this.#asked.delete(volume.id)
    }
  }

  /** Which operation holds a volume, where an answer may be older than what is known. */
  #correct(volume: Json, asked: number): void {
    if (!('activeOperation' in volume) || typeof volume['id'] !== 'string') return
    const volumeId = volume['id']
    const told = volume['activeOperation'] as Told | null
    if (told && this.#outdated.has(told)) volume['activeOperation'] = null
    const newest = (this.#ofVolume.get(volumeId) ?? []).find((one) => heldBy(one).includes(volumeId))
    if (!newest || told?.id === newest.id) return
    if (told && !(told.createdAt && isBefore({ id: told.id, createdAt: told.createdAt }, newest))) return
    const isInFlight = newest.finishedAt === null && !this.#over.has(newest.id)
    if (!isInFlight) volume['activeOperation'] = null
    else if ((this.#heard.get(newest.id)?.since ?? 0) >= asked) volume['activeOperation'] = { ...newest }
    else {
      // It was asked for after that one had begun.
      this.#over.add(newest.id)
      this.#version += 1
    }
  }

  #forgetOldest(): void {
    for (const [id, { told }] of this.#heard) {
      if (told.finishedAt === null) continue
      this.#heard.delete(id)
      return
    }
  }

  #changed(): void {
    this.#version += 1
    for (const listener of this.#listeners) listener()
  }
}

function isState(operation: Json): operation is Json & Told {
  return typeof operation['revision'] === 'number' && typeof operation['id'] === 'string'
}

function isWhole(told: Told): told is Told & OperationFacts {
  return ['subjectName', 'createdAt', 'volume', 'targetVolume', 'snapshot', 'backup', 'requestedBy'].every((field) => field in told)
}

/** Calls `visit` with each object of the type. */
function each(data: unknown, type: string, visit: (object: Json) => void): void {
  if (typeof data !== 'object' || data === null) return
  if (Array.isArray(data)) {
    for (const item of data) each(item, type, visit)
    return
  }
  const object = data as Json
  if (object['__typename'] === type) visit(object)
  for (const value of Object.values(object)) each(value, type, visit)
}
