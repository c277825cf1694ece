/** Which field of a form a refusal is about, and what is said there. */

interface Refusal {
  code: string
  message: string
}

/**
 * The refusal of each field, by what the gateway's words name: "`s3.bucket` has 3 to 63 …" is said at the bucket as "It has
 * 3 to 63 …". `rest` is what no field takes, for the form as a whole.
 */
export function placeErrors<Field extends string, Failure extends Refusal>(
  failure: Failure | undefined,
  places: Record<Field, string | RegExp>,
): { at: Partial<Record<Field, string>>; rest: Failure | undefined } {
  if (failure?.code !== 'INVALID_INPUT') return { at: {}, rest: failure }
  for (const [field, named] of Object.entries(places) as [Field, string | RegExp][]) {
    if (typeof named === 'string' ? failure.message.startsWith(`\`${named}\``) : named.test(failure.message)) {
      return { at: { [field]: failure.message.replace(/^`[^`]+`/, 'It') } as Partial<Record<Field, string>>, rest: undefined }
    }
  }
  return { at: {}, rest: failure }
}
