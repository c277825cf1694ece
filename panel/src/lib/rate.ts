/** How fast an operation goes, from its progress over the last seconds. */

export interface Sample {
  /** Milliseconds of a clock that never goes back. */
  at: number
  bytes: number
}

const WINDOW = 12_000
/** Before this many milliseconds have been seen, a rate would be a guess. */
const ENOUGH = 4_000

/** Adds a sample and drops those that the window has left. Another step begins anew. */
export function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1)
  if (last && sample.bytes < last.bytes) return [sample]
  const kept = samples.filter((one) => sample.at - one.at <= WINDOW)
  return [...kept, sample]
}

/** Bytes a second over the window; undefined while too little has been seen. */
export function rateOf(samples: readonly Sample[], now: number): number | undefined {
  const first = samples[0]
  const last = samples.at(-1)
  if (!first || !last || now - first.at < ENOUGH) return undefined
  return ((last.bytes - first.bytes) / (now - first.at)) * 1000
}

/** Milliseconds until `total` at that rate; undefined if it never comes. */
export function timeLeft(done: number, total: number, rate: number | undefined): number | undefined {
  if (rate === undefined || rate <= 0 || total <= done) return undefined
  return ((total - done) / rate) * 1000
}

/** The points of a line that shows `values` in a box, the largest at its top. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const most = Math.max(...values, 1)
  const step = values.length > 1 ? width / (values.length - 1) : 0
  return values
    .map((value, i) => `${round(i * step)},${round(height - (value / most) * height)}`)
    .join(' ')
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** What is known of how fast an operation goes. */
export interface Meter {
  /** The operation's id. */
  of: string
  samples: readonly Sample[]
  /** The rates so far, for a line: about one for each second. */
  history: readonly number[]
  /** Since when the next point of the line gathers. */
  since: Sample | undefined
}

const HISTORY = 60
const POINT = 1_000

export function startMeter(operationId: string): Meter {
  return { of: operationId, samples: [], history: [], since: undefined }
}

/** The meter after another sample; another operation starts a new one. */
export function measure(meter: Meter, operationId: string, sample: Sample): Meter {
  const before = meter.of === operationId ? meter : startMeter(operationId)
  const samples = addSample(before.samples, sample)
  const { since, history } = before
  if (!since || sample.bytes < since.bytes) return { ...before, samples, since: sample }
  if (sample.at - since.at < POINT) return { ...before, samples }
  const point = ((sample.bytes - since.bytes) / (sample.at - since.at)) * 1000
  return { ...before, samples, since: sample, history: [...history, point].slice(-HISTORY) }
}
