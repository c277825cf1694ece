import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { buildSchema, type DocumentNode, getNamedType, type OperationDefinitionNode, parse, type SelectionSetNode, TypeInfo, visit, visitWithTypeInfo } from 'graphql'
import { expect, test } from 'vitest'

import { CHANGING } from './operations'

const SOURCE = resolve(import.meta.dirname, '..')
const schema = buildSchema(readFileSync(resolve(SOURCE, '../../schema.graphql'), 'utf8'))

const documents: [file: string, document: DocumentNode][] = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.includes('.test.'))
  .flatMap((name) => {
    const text = readFileSync(join(SOURCE, name), 'utf8')
    return [...text.matchAll(/\bgraphql\(\s*`([^`]*)`/g)].map(([, document]): [string, DocumentNode] => [name, parse(document ?? '')])
  })

/** Calls `see` with each selection of each document, and the type that it is made of. */
function selections(see: (file: string, type: string, selection: SelectionSetNode, within: string) => void): void {
  for (const [file, document] of documents) {
    const info = new TypeInfo(schema)
    let within = ''
    visit(
      document,
      visitWithTypeInfo(info, {
        FragmentDefinition: ({ name }) => void (within = name.value),
        OperationDefinition: ({ operation }: OperationDefinitionNode) => void (within = operation),
        SelectionSet: (selection) => {
          const parent = info.getParentType()
          if (parent) see(file, getNamedType(parent).name, selection, within)
        },
      }),
    )
  }
}

const fieldsOf = ({ selections: all }: SelectionSetNode) => all.flatMap((one) => (one.kind === 'Field' ? [one.name.value] : []))

test('whoever asks for what changes of an operation asks for all of it', () => {
  expect(documents.length).toBeGreaterThan(50)
  const changing: readonly string[] = CHANGING
  const whole: string[] = []
  const alone: string[] = []
  selections((file, type, selection, within) => {
    if (type !== 'Operation') return
    if (within === 'OperationState') whole.push(...fieldsOf(selection))
    else alone.push(...fieldsOf(selection).filter((field) => changing.includes(field)).map((field) => `${file}: ${field}`))
  })
  expect(whole).toEqual(expect.arrayContaining([...CHANGING]))
  expect(alone).toEqual([])
})

test('no mutation answers with a status that may be old when it comes', () => {
  const late: string[] = []
  selections((file, type, selection, within) => {
    const isLate = within === 'mutation' && ['Volume', 'Snapshot', 'Backup'].includes(type) && fieldsOf(selection).includes('status')
    if (isLate) late.push(`${file}: ${type}`)
  })
  expect(late).toEqual([])
})
