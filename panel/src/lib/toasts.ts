/** The toasts on the screen: at most three, gone after six seconds unless something failed or somebody is at them. */

export interface Toast {
  id: number
  tone: 'ok' | 'bad'
  title: string
  detail?: string
}

const MOST = 3
const SHOWN = 6_000

export class Toasts {
  #all: readonly Toast[] = []
  #next = 1
  #held = false
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  readonly #listeners = new Set<() => void>()

  get all(): readonly Toast[] {
    return this.#all
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  readonly add = (toast: Omit<Toast, 'id'>): void => {
    const id = this.#next++
    this.#set([...this.#all, { ...toast, id }].slice(-MOST))
    if (toast.tone === 'ok' && !this.#held) this.#closeLater(id)
  }

  /** All stay, until they are released. */
  readonly hold = (): void => {
    this.#held = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  readonly release = (): void => {
    if (!this.#held) return
    this.#held = false
    for (const { id, tone } of this.#all) if (tone === 'ok') this.#closeLater(id)
  }

  readonly close = (id: number): void => {
    this.#set(this.#all.filter((toast) => toast.id !== id))
  }

  #closeLater(id: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.close(id)
    }, SHOWN)
    this.#timers.add(timer)
  }

  #set(all: readonly Toast[]): void {
    this.#all = all
    // Nobody is at what is not there.
    if (all.length === 0) this.#held = false
    for (const listener of this.#listeners) listener()
  }
}

export const toasts = new Toasts()
