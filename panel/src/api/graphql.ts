/** Typed documents: `graphql()` checks each against schema.graphql. */

import { initGraphQLTada } from 'gql.tada'

import type { introspection } from './schema.generated'

export const graphql = initGraphQLTada<{
  introspection: introspection
  scalars: { ByteCount: number; DateTime: string; Decimal: string }
}>()

export type Enum<Name extends Parameters<typeof graphql.scalar>[0]> = ReturnType<typeof graphql.scalar<Name>>

export { readFragment } from 'gql.tada'
export type { FragmentOf, ResultOf, VariablesOf } from 'gql.tada'
