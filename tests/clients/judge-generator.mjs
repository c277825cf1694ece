// Generates documents from a schema by a seed: right ones, and right ones in which something was changed.
import { getNamedType, isCompositeType, isEnumType, isInputObjectType, isListType, isNonNullType, isObjectType } from 'graphql'

/** What a token may become. */
const OTHERS = ['{', '}', '(', ')', '[', ']', '!', ':', '=', '$', '...', 'on', 'id', 'name', 'nothing', 'Query', 'Volume', 'Node', 'String', 'null', 'true', '1', '1.5', '"a"', '$v0', '$v1', '@skip(if: true)', '@include(if: $v0)', '@nothing', '__typename', 'volumes', 'first: 1', 'F0', '...F0', 'fragment F9 on Volume { id }', 'ENUM']

export class Generator {
  constructor(schema, seed) {
    this.schema = schema
    this.state = seed >>> 0
  }

  random() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let value = this.state
    value = Math.imul(value ^ (value >>> 15), value | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }

  one(of) {
    return of[Math.floor(this.random() * of.length)]
  }

  likely(chance) {
    return this.random() < chance
  }

  document() {
    this.definitions = []
    this.fragments = []
    this.variables = {}
    const set = this.selections(this.schema.getQueryType(), 0)
    const definitions = this.definitions.length > 0 ? `(${this.definitions.join(', ')})` : ''
    let document = `query Q ${definitions} ${set} ${this.fragments.join(' ')}`
    if (this.likely(0.6)) document = this.changed(document)
    if (this.likely(0.1)) this.spoil()
    return { document, variables: this.variables }
  }

  /** A document with another token, one more, or one less. */
  changed(document) {
    const tokens = document.match(/"(?:[^"\\]|\\.)*"|\.\.\.|[\w$@]+|\S/g)
    const at = Math.floor(this.random() * tokens.length)
    const kind = this.random()
    if (kind < 0.3) tokens.splice(at, 1)
    else if (kind < 0.5) tokens.splice(at, 0, tokens[at])
    else if (kind < 0.8) tokens.splice(at, 1, this.one(OTHERS))
    else tokens.splice(at, 0, this.one(OTHERS))
    return tokens.join(' ')
  }

  spoil() {
    const [name] = Object.keys(this.variables)
    if (name) this.variables[name] = this.one([null, 1, 'a', true, [], {}, undefined, { nothing: 1 }])
  }

  selections(type, depth) {
    const fields = Object.values(type.getFields()).filter((field) => this.suits(field, depth))
    const chosen = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => this.selection(type, fields, depth))
    return `{ ${chosen.join(' ')} }`
  }

  suits(field, depth) {
    return depth < 3 || !isCompositeType(getNamedType(field.type))
  }

  selection(type, fields, depth) {
    const kind = this.random()
    if (fields.length === 0 || kind < 0.08) return `__typename${this.directive()}`
    if (kind < 0.16) return `... on ${type.name}${this.directive()} ${this.selections(type, depth + 1)}`
    if (kind < 0.22) {
      const name = `F${this.fragments.length}`
      const at = this.fragments.push('') - 1
      this.fragments[at] = `fragment ${name} on ${type.name} ${this.selections(type, depth + 1)}`
      return `...${name}${this.directive()}`
    }
    const field = this.one(fields)
    const named = getNamedType(field.type)
    const alias = this.likely(0.25) ? `${this.one(['a', 'b', 'id'])}: ` : ''
    const given = field.args.filter(({ type: wanted }) => isNonNullType(wanted) || this.likely(0.3))
    const args = given.map(({ name, type: wanted }) => `${name}: ${this.value(wanted, 0)}`)
    const set = isCompositeType(named) ? this.under(named, depth) : ''
    return `${alias}${field.name}${args.length > 0 ? `(${args.join(', ')})` : ''}${this.directive()} ${set}`
  }

  under(named, depth) {
    if (isObjectType(named) || this.likely(0.5)) return named.getFields ? this.selections(named, depth + 1) : '{ __typename }'
    const kinds = this.schema.getPossibleTypes(named)
    return `{ ... on ${this.one(kinds).name} { __typename } }`
  }

  directive() {
    if (!this.likely(0.1)) return ''
    const name = this.one(['skip', 'include'])
    return ` @${name}(if: ${this.likely(0.5) ? this.variable('Boolean!', true) : this.one(['true', 'false'])})`
  }

  variable(type, value) {
    const name = `v${this.definitions.length}`
    this.definitions.push(`$${name}: ${type}`)
    this.variables[name] = value
    return `$${name}`
  }

  value(type, depth) {
    if (isNonNullType(type)) return depth === 0 && this.likely(0.3) ? this.variable(String(type), this.json(type.ofType)) : this.literal(type.ofType, depth)
    if (this.likely(0.1)) return 'null'
    return depth === 0 && this.likely(0.3) ? this.variable(String(type), this.json(type)) : this.literal(type, depth)
  }

  literal(type, depth) {
    if (isListType(type)) return this.likely(0.3) ? this.value(type.ofType, depth + 1) : `[${this.value(type.ofType, depth + 1)}]`
    if (isEnumType(type)) return this.one(type.getValues()).name
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields())
      const given = fields.filter(({ type: wanted }) => isNonNullType(wanted) || this.likely(0.2))
      return `{ ${given.map(({ name, type: wanted }) => `${name}: ${this.value(wanted, depth + 1)}`).join(', ')} }`
    }
    return JSON.stringify(this.json(type))
  }

  json(type) {
    if (isNonNullType(type)) return this.json(type.ofType)
    if (isListType(type)) return [this.json(type.ofType)]
    if (isEnumType(type)) return this.one(type.getValues()).name
    if (isInputObjectType(type)) {
      const needed = Object.values(type.getFields()).filter(({ type: wanted }) => isNonNullType(wanted))
      return Object.fromEntries(needed.map(({ name, type: wanted }) => [name, this.json(wanted)]))
    }
    return { Int: 1, Float: 1.5, Boolean: true, ID: 'a', DateTime: '2026-01-01T00:00:00Z' }[type.name] ?? 'a'
  }
}
