/**
 * The WebSocket that carries the subscriptions, and whether it works. It is given up when a ping
 * is not answered, and tried again at growing intervals, for as long as somebody listens.
 */

import { createClient, type Client } from 'graphql-ws'

export type LinkState = 'connecting' | 'live' | 'lost'

const PING_EVERY = 10_000
const PONG_WITHIN = 5_000
const FIRST_RETRY = 500
const LAST_RETRY = 15_000

/** Codes of closed sockets: nobody listens any more; nobody is signed in any more. */
const UNUSED = 1000
const UNAUTHORIZED = 4401
const FORBIDDEN = 4403

export class Link {
  readonly client: Client
  #state: LinkState = 'connecting'
  readonly #listeners = new Set<() => void>()
  readonly #connected = new Set<() => void>()

  readonly #onRefused: () => void
  readonly #closed = new AbortController()
  #wake: (() => void) | undefined

  /** `onRefused` is called when the gateway does not take the session. */
  constructor(url: string, onRefused: () => void) {
    this.#onRefused = onRefused
    let socket: WebSocket | undefined
    let timeout: ReturnType<typeof setTimeout> | undefined
    this.client = createClient({
      url,
      lazy: true,
      lazyCloseTimeout: 5_000,
      keepAlive: PING_EVERY,
      retryAttempts: Infinity,
      shouldRetry: () => true,
      retryWait: (retries) =>
        new Promise((resolve) => {
          const wait = Math.min(FIRST_RETRY * 2 ** retries, LAST_RETRY) * (0.75 + Math.random() / 2)
          const timer = setTimeout(resolve, wait)
          this.#wake = () => {
            clearTimeout(timer)
            resolve()
          }
        }),
      on: {
        opened: (opened) => {
          socket = opened as WebSocket
        },
        connected: () => {
          this.#set('live')
          for (const listener of this.#connected) listener()
        },
        closed: (event) => {
          clearTimeout(timeout)
          const { code } = event as CloseEvent
          this.#set(code === UNUSED ? 'connecting' : 'lost')
          if (code === UNAUTHORIZED || code === FORBIDDEN) this.#onRefused()
        },
        error: () => this.#set('lost'),
        ping: (received) => {
          if (received) return
          timeout = setTimeout(() => {
            // close() alone would wait for an answer that does not come.
            this.#set('lost')
            this.client.terminate()
          }, PONG_WITHIN)
        },
        pong: (received) => {
          if (received) clearTimeout(timeout)
        },
      },
    })
    const { signal } = this.#closed
    window.addEventListener('online', this.tryNow, { signal })
    const lose = () => {
      if (socket) this.#set('lost')
      this.client.terminate()
    }
    window.addEventListener('offline', lose, { signal })
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.tryNow(), { signal })
  }

  get state(): LinkState {
    return this.#state
  }

  /** Does not wait any longer for the next try. */
  readonly tryNow = (): void => this.#wake?.()

  /** Calls `listener` at each change of the state, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `listener` whenever the link begins to work: of what happened before, it does not tell. */
  readonly onConnected = (listener: () => void): (() => void) => {
    this.#connected.add(listener)
    return () => this.#connected.delete(listener)
  }

  /** Ends it for good. */
  close(): void {
    this.#closed.abort()
    void this.client.dispose()
  }

  #set(state: LinkState): void {
    if (this.#state === state) return
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
