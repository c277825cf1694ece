/** One timer for all that shows a time, however many places do. */

export class Ticker {
  readonly #listeners = new Set<() => void>()
  readonly #every: number
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(everyMs: number) {
    this.#every = everyMs
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    this.#timer ??= setInterval(() => {
      for (const one of this.#listeners) one()
    }, this.#every)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }
}
