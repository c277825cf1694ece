/** The idempotency keys of what is sent: each input has its own, also when it is sent once more after another. */

export class KeyOfInput {
  readonly #keys = new Map<string, string>()
  #last = ''

  /** The variables with their key. */
  give<Variables>(variables: (key: string) => Variables): Variables {
    this.#last = JSON.stringify(variables(''))
    const key = this.#keys.get(this.#last) ?? newKey()
    this.#keys.set(this.#last, key)
    return variables(key)
  }

  /** What was refused was not started: the next try needs another key. */
  forget(): void {
    this.#keys.delete(this.#last)
  }
}

/** randomUUID() is only there over HTTPS and on this machine; this is everywhere. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
