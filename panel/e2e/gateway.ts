/** Starts the gateway's real binary with the demo's platform, in a directory of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const BINARY = process.env['TIDEMARK_BIN'] ?? resolve(import.meta.dirname, '../../target/debug/tidemark')
/** Settings of whoever runs the tests are not for this gateway. */
const ENVIRONMENT = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_')))
/** Four volumes are made and filled before it says that it runs. */
const PATIENCE = 60_000

export interface GatewayOptions {
  cooldownSeconds: number
  inFlightLimit?: number
}

export class Gateway {
  readonly url: string
  readonly data: string
  readonly #port: number
  readonly #options: GatewayOptions
  #process: ChildProcess | undefined

  private constructor(port: number, data: string, options: GatewayOptions) {
    this.url = `http://127.0.0.1:${port}`
    this.data = data
    this.#port = port
    this.#options = options
  }

  static async start(options: GatewayOptions): Promise<Gateway> {
    const data = await mkdtemp(join(tmpdir(), 'tidemark-e2e-'))
    const gateway = new Gateway(await freePort(), data, options)
    await gateway.run()
    return gateway
  }

  /** Runs the process; again, after `kill`, with the data that is there. */
  async run(): Promise<void> {
    const { cooldownSeconds, inFlightLimit = 3 } = this.#options
    const child = spawn(BINARY, ['demo', '--data', this.data, '--listen', `127.0.0.1:${this.#port}`], {
      env: {
        ...ENVIRONMENT,
        TIDEMARK_RULES_COOLDOWN_SECONDS: String(cooldownSeconds),
        TIDEMARK_RULES_IN_FLIGHT_LIMIT: String(inFlightLimit),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#process = child
    await new Promise<void>((ready, fail) => {
      let output = ''
      const timer = setTimeout(() => fail(new Error(`the gateway is not ready:\n${output}`)), PATIENCE)
      const read = (chunk: Buffer) => {
        output += chunk.toString()
        if (!output.includes('Tidemark runs.')) return
        clearTimeout(timer)
        ready()
      }
      child.stdout.on('data', read)
      child.stderr.on('data', read)
      child.on('error', fail)
      child.on('exit', (code) => fail(new Error(`the gateway ended with ${code}:\n${output}`)))
    })
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null) return
    const ended = new Promise((exited) => child.once('exit', exited))
    child.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.data, { recursive: true, force: true })
  }

  /** The administrator's email and password. */
  async administrator(): Promise<{ email: string; password: string }> {
    const lines = (await readFile(join(this.data, 'sign-ins.txt'), 'utf8')).split('\n')
    const [, email, password] = lines.find((line) => line.startsWith('administrator'))?.split(' ') ?? []
    if (!email || !password) throw new Error('the demo has no administrator')
    return { email, password }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}
