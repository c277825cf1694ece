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
  /** How long an operation may take; an agent's lease is shortened to fit into it. */
  deadlineSeconds?: number
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
    const { cooldownSeconds, inFlightLimit = 3, deadlineSeconds } = this.#options
    const deadline = deadlineSeconds && {
      TIDEMARK_RULES_DEADLINE_SECONDS: String(deadlineSeconds),
      TIDEMARK_RULES_LEASE_SECONDS: '3',
      TIDEMARK_RULES_HEARTBEAT_SECONDS: '1',
      TIDEMARK_RULES_CLEANUP_INTERVAL_SECONDS: '1',
    }
    const child = spawn(BINARY, ['demo', '--data', this.data, '--listen', `127.0.0.1:${this.#port}`], {
      env: {
        ...ENVIRONMENT,
        TIDEMARK_RULES_COOLDOWN_SECONDS: String(cooldownSeconds),
        TIDEMARK_RULES_IN_FLIGHT_LIMIT: String(inFlightLimit),
        ...deadline,
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

  /** Of the process that is both gateway and agent. */
  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('the gateway does not run')
    return pid
  }

  /** Ends the process at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process
    if (!child || child.exitCode !== null || child.signalCode !== null) return
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
