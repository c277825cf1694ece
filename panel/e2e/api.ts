/** Asks the API as a program does: by a bearer token, to prepare what a journey needs. */

// oxlint-disable-next-line typescript/no-explicit-any -- answers are read as they come
export type Json = Record<string, any>

export class Api {
  readonly #url: string
  readonly #token: string | undefined

  constructor(url: string, token?: string) {
    this.#url = url
    this.#token = token
  }

  static async signIn(url: string, who: { email: string; password: string }): Promise<Api> {
    const document = 'mutation ($input: SignInInput!) { signIn(input: $input) { token } }'
    const data = await new Api(url).ask(document, { input: who })
    return new Api(url, data['signIn'].token)
  }

  async ask(query: string, variables: Json = {}): Promise<Json> {
    const response = await fetch(`${this.#url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.#token && { authorization: `Bearer ${this.#token}` }),
      },
      body: JSON.stringify({ query, variables }),
    })
    const answer = (await response.json()) as { data?: Json; errors?: Json[] }
    if (answer.errors || !answer.data) throw new Error(`${query}: ${JSON.stringify(answer.errors)}`)
    return answer.data
  }

  /** Asks until the answer passes `test`. */
  async until(query: string, variables: Json, test: (data: Json) => boolean): Promise<Json> {
    const deadline = Date.now() + 120_000
    for (;;) {
      const data = await this.ask(query, variables)
      if (test(data)) return data
      if (Date.now() > deadline) throw new Error(`it never came true: ${query} ${JSON.stringify(data)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
