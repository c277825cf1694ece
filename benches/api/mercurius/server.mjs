// The page of volumes, and renaming one, by Mercurius with its JIT over Tidemark's own tables.
//   node server.mjs DATABASE_URL ACCOUNT_ID      prints the address that it listens on
import fastify from 'fastify'
import mercurius from 'mercurius'

const [url, account] = process.argv.slice(2)
const database = await import(url.startsWith('sqlite:') ? './sqlite.mjs' : './postgres.mjs')
const rows = await database.open(url, account)

const schema = `
  type Query { volumes(first: Int!): VolumeConnection! }
  type Mutation { updateVolume(input: UpdateVolumeInput!): UpdateVolumePayload }
  input UpdateVolumeInput { volumeId: ID! name: String! }
  type UpdateVolumePayload { volume: Volume! }
  type VolumeConnection { nodes: [Volume!]! pageInfo: PageInfo! }
  type PageInfo { hasNextPage: Boolean! }
  type Volume {
    id: ID!
    name: String!
    sizeBytes: Float!
    storageType: String!
    status: String!
    createdAt: String!
    plan: VolumePlan!
    snapshots(first: Int!): SnapshotConnection!
    backups(first: Int!): BackupConnection!
  }
  type VolumePlan { id: ID! name: String! sizeBytes: Float! maxSnapshots: Int! maxBackups: Int! }
  type SnapshotConnection { nodes: [Snapshot!]! }
  type Snapshot { id: ID! name: String! status: String! createdAt: String! }
  type BackupConnection { nodes: [Backup!]! }
  type Backup { id: ID! name: String! status: String! storedBytes: Float createdAt: String! }
`

const resolvers = {
  Query: {
    async volumes(_, { first }) {
      const nodes = await rows.volumes(first + 1)
      const hasNextPage = nodes.length > first
      if (hasNextPage) nodes.pop()
      return { nodes, pageInfo: { hasNextPage } }
    },
  },
  Mutation: {
    async updateVolume(_, { input }) {
      return { volume: await rows.rename(input.volumeId, input.name) }
    },
  },
}

// What is asked of each volume of a page, in one statement for all of them.
async function under(queries, read) {
  const first = queries[0].params.first
  const found = new Map(queries.map(({ obj }) => [obj.id, []]))
  for (const row of await read([...found.keys()], first)) found.get(row.volumeId).push(row)
  return queries.map(({ obj }) => ({ nodes: found.get(obj.id) }))
}

// A cache that outlives a request would answer with what was once there.
const opts = { cache: false }
const loaders = {
  Volume: {
    plan: {
      async loader(queries) {
        const ids = [...new Set(queries.map(({ obj }) => obj.planId))]
        const found = new Map((await rows.plans(ids)).map((plan) => [plan.id, plan]))
        return queries.map(({ obj }) => found.get(obj.planId))
      },
      opts,
    },
    snapshots: { loader: (queries) => under(queries, rows.snapshots), opts },
    backups: { loader: (queries) => under(queries, rows.backups), opts },
  },
}

const app = fastify()
app.register(mercurius, { schema, resolvers, loaders, jit: 1 })
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
