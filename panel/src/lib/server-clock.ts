/**
 * The server's clock, as far as this side can know it. An answer is read later than its time was
 * taken, so of the latest few differences the largest is the nearest to the truth.
 */
export class ServerClock {
  readonly #differences: number[] = []
  readonly #kept: number

  constructor(kept = 8) {
    this.#kept = kept
  }

  /** An answer says `serverTime` (RFC 3339), and was read at `receivedAt` by the local clock. */
  learn(serverTime: string, receivedAt: number = Date.now()): void {
    const difference = Date.parse(serverTime) - receivedAt
    if (Number.isNaN(difference)) return
    this.#differences.push(difference)
    if (this.#differences.length > this.#kept) this.#differences.shift()
  }

  /** The server's time now, in milliseconds since 1970; the local time until an answer came. */
  now(local: number = Date.now()): number {
    return this.#differences.length === 0 ? local : local + Math.max(...this.#differences)
  }
}
