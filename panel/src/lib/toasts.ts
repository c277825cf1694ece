/** The toasts on the screen: at most three, gone after six seconds unless something failed. */

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
    if (toast.tone === 'ok') setTimeout(() => this.close(id), SHOWN)
  }

  readonly close = (id: number): void => {
    this.#set(this.#all.filter((toast) => toast.id !== id))
  }

  #set(all: readonly Toast[]): void {
    this.#all = all
    for (const listener of this.#listeners) listener()
  }
}

export const toasts = new Toasts()
