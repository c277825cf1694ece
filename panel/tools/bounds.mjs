/**
 * Writes src/api/bounds.generated.ts: how long a text may be and how large a number, as the descriptions of
 * ../schema.graphql tell it ("1 to 128 characters", "at least 65536"). A field whose description tells none is not
 * in it, and a form that asks for its bound does not compile.
 */

import { readFileSync, writeFileSync } from 'node:fs'

import { buildSchema, isInputObjectType } from 'graphql'

const SCHEMA = new URL('../../schema.graphql', import.meta.url)
const WRITTEN = new URL('../src/api/bounds.generated.ts', import.meta.url)

/** What a description says of the bounds of its field; undefined if it says nothing of them. */
function boundOf(description) {
  const text = (description ?? '').replaceAll(/\s+/g, ' ')
  const range = /\b(\d+) to (\d+)\b/.exec(text)
  if (range) return { least: Number(range[1]), most: Number(range[2]) }
  const least = /\bat least (\d+)\b/i.exec(text)
  const most = /\bat most (\d+)\b/i.exec(text)
  if (!least && !most) return undefined
  return { ...(least && { least: Number(least[1]) }), ...(most && { most: Number(most[1]) }) }
}

const inputs = Object.values(buildSchema(readFileSync(SCHEMA, 'utf8')).getTypeMap()).filter(isInputObjectType)
const lines = inputs.flatMap((input) => {
  // What agents send is none of the panel's.
  if (input.name.startsWith('Agent')) return []
  const bounds = Object.values(input.getFields()).flatMap(({ name, description }) => {
    const bound = boundOf(description)
    return bound ? [`${name}: ${JSON.stringify(bound)}`] : []
  })
  return bounds.length > 0 ? [`export const ${input.name} = { ${bounds.join(', ')} } as const`] : []
})
writeFileSync(WRITTEN, `// Written by tools/bounds.mjs of schema.graphql.\n${lines.join('\n')}\n`)
