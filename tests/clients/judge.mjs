// Has graphql-js judge documents beside the gateway at TIDEMARK_URL: both are to find the same ones valid, with the
// same values for their variables. By hand and generated, by TIDEMARK_JUDGE_SEED.
import { readFileSync } from 'node:fs'
import { buildSchema, getVariableValues, parse, specifiedRules, validate } from 'graphql'
import { byHand } from './judge-documents.mjs'
import { Generator } from './judge-generator.mjs'

const { TIDEMARK_URL: base, TIDEMARK_TOKEN: token } = process.env
const count = Number(process.env.TIDEMARK_JUDGE_DOCUMENTS ?? 400)
const seed = Number(process.env.TIDEMARK_JUDGE_SEED ?? 1)
const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'))

/** Where the two differ, and why that is right. */
const ALLOWED = [
  // A later edition of the specification, which graphql-js 16 does not have yet: what is watched does not depend on variables.
  ({ document, ours }) => !ours.valid && /subscription/.test(document) && /can not specify @skip or @include|can not have an introspection field/.test(ours.why),
  // apollo-parser reads over a name among arguments that has no value; what it reads then is judged like any other.
  ({ ours, theirs }) => ours.valid && /Syntax Error: Expected ":", found/.test(theirs.why),
  // Operations may be described since the edition of September 2025, which apollo-parser does not have yet.
  ({ document, ours }) => /^\s*"/.test(document) && /expected an Operation Type or a Selection Set/.test(ours.why),
  // The specification wants a variable that is never null there, and graphql-js looks at its value only.
  ({ ours }) => /The one field of `\w+` may not be null/.test(ours.why),
  // JSON in JavaScript does not tell 1.0 from 1, and a number beyond 2^53 loses digits there.
  ({ variables }) => /\d\.0\b|\d{16,}/.test(JSON.stringify(variables)),
  // graphql-js knows nothing of what the values of scalars of this schema look like, and we tell it when they are used.
  ({ ours }) => ours.code === 'INVALID_INPUT' && ours.path,
  // Limits of one document are no part of the specification.
  ({ ours }) => ours.code === 'QUERY_TOO_COMPLEX',
]

function theirs(document, variables) {
  let parsed
  try {
    parsed = parse(document)
  } catch (error) {
    return { valid: false, why: error.message }
  }
  const [fault] = validate(schema, parsed, specifiedRules, { maxErrors: 1 })
  if (fault) return { valid: false, why: fault.message }
  const operations = parsed.definitions.filter(({ kind }) => kind === 'OperationDefinition')
  if (operations.length !== 1) return { valid: false, why: 'which operation?' }
  const values = getVariableValues(schema, operations[0].variableDefinitions ?? [], variables, { maxErrors: 1 })
  if (values.errors) return { valid: false, why: values.errors[0].message }
  return { valid: true, why: '' }
}

async function ours(document, variables) {
  const answer = await fetch(`${base}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream;q=0.5', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: document, variables }),
  })
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) {
    const reader = answer.body.getReader()
    const { value } = await reader.read()
    await reader.cancel()
    const data = /^data: (.*)$/m.exec(new TextDecoder().decode(value ?? new Uint8Array()))?.[1]
    return verdict(data ? JSON.parse(data) : {})
  }
  return verdict(await answer.json())
}

function verdict({ data, errors: [fault] = [] }) {
  const valid = !fault || fault.path !== undefined || data !== undefined
  return { valid, why: fault?.message ?? '', code: fault?.extensions?.code, path: fault?.path }
}

let differences = 0
let valid = 0
async function judge(document, variables = {}) {
  const both = { document, variables, theirs: theirs(document, variables), ours: await ours(document, variables) }
  if (both.theirs.valid) valid += 1
  if (both.theirs.valid === both.ours.valid || ALLOWED.some((allowed) => allowed(both))) return
  differences += 1
  if (differences <= 20) console.log(`DIFFERS ${JSON.stringify(both, null, 1)}`)
}

for (const one of byHand) await (Array.isArray(one) ? judge(...one) : judge(one))
console.log(`judge   ${byHand.length} documents by hand, ${valid} of them valid`)
valid = 0
const generator = new Generator(schema, seed)
for (let left = count; left > 0; left -= 16) {
  const round = Array.from({ length: Math.min(16, left) }, () => generator.document())
  await Promise.all(round.map(({ document, variables }) => judge(document, variables)))
}
console.log(`judge   TIDEMARK_JUDGE_SEED=${seed}: ${count} generated documents, ${valid} of them valid`)
if (differences > 0) {
  console.log(`FAILED  graphql-js and the gateway differ on ${differences} documents`)
  process.exit(1)
}
if (count >= 100 && (valid < count / 10 || valid > count * 0.95)) {
  console.log('FAILED  too few of the generated documents are valid, or too many, to tell anything')
  process.exit(1)
}
