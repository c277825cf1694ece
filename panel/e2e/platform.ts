/** What journeys do behind the screen, as the customer's programs and as the administrator. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { Api, type Json } from './api.ts'
import { type Customer, fill, limitBackups, type Named, named } from './fixtures.ts'
import type { Gateway } from './gateway.ts'

export const MIB = 2 ** 20

/** Sends a mutation as the customer: `what` is asked of its payload. */
export async function send({ api }: Customer, mutation: string, input: Json, what = '__typename'): Promise<Json> {
  const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`
  const data = await api.ask(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${what} } }`, { input })
  return data[mutation]
}

/** Starts an operation, and gives its id. */
export async function begin(customer: Customer, mutation: string, input: Json): Promise<string> {
  const { operation } = await send(customer, mutation, input, 'operation { id }')
  return operation.id
}

/** Waits until an operation has the status. */
export async function reaches({ api }: Customer, operationId: string, status: string): Promise<void> {
  const query = 'query ($id: ID!) { operation(id: $id) { status error { message } } }'
  await api.until(query, { id: operationId }, (data) => data['operation'].status === status)
}

export async function cancel(customer: Customer, operationId: string): Promise<void> {
  await send(customer, 'cancelOperation', { operationId })
  await reaches(customer, operationId, 'CANCELLED')
}

/** Attaches the customer's volume to the customer's instance, and starts that. */
export async function attachAndRun(customer: Customer): Promise<void> {
  await send(customer, 'attachVolume', { volumeId: customer.volume.id, instanceId: customer.instance.id })
  await send(customer, 'startInstance', { instanceId: customer.instance.id })
}

/** A backup that takes longer than a journey may: it does not end by itself before the journey cancels it. */
export async function beginSlowBackup(gateway: Gateway, admin: Api, customer: Customer, volume: Named = customer.volume): Promise<string> {
  await fill(gateway, volume, 96)
  await limitBackups(admin, MIB / 2)
  return begin(customer, 'createBackup', { volumeId: volume.id, name: 'weekly' })
}

/** Takes the backup storage from the hypervisors' group, and gives a way to put it back. */
export async function takeBackupStorageAway(admin: Api): Promise<() => Promise<void>> {
  const { hypervisorGroups } = await admin.ask('{ hypervisorGroups { id name backupStorage { id } } }')
  const { id, backupStorage } = named<Named & { backupStorage: { id: string } }>(hypervisorGroups, 'One machine')
  const set = async (backupStorageId: string | null) => {
    await admin.ask('mutation ($input: UpdateHypervisorGroupInput!) { updateHypervisorGroup(input: $input) { hypervisorGroup { id } } }', {
      input: { hypervisorGroupId: id, backupStorageId },
    })
  }
  await set(null)
  return () => set(backupStorage.id)
}

/** Lets a plan's volumes have neither snapshots nor backups, and gives a way to put that back. */
export async function forbidItems(admin: Api, planName: string): Promise<() => Promise<void>> {
  const { volumePlans } = await admin.ask('{ volumePlans { id name maxSnapshots maxBackups } }')
  const { id: planId, maxSnapshots, maxBackups } = named<Named & { maxSnapshots: number; maxBackups: number }>(volumePlans, planName)
  const set = async (caps: Json) => {
    await admin.ask('mutation ($input: UpdateVolumePlanInput!) { updateVolumePlan(input: $input) { plan { id } } }', { input: { planId, ...caps } })
  }
  await set({ maxSnapshots: 0, maxBackups: 0 })
  return () => set({ maxSnapshots, maxBackups })
}

/** The image of a volume, on the disk. */
export function imageOf(gateway: Gateway, volumeId: string): string {
  return join(gateway.data, 'pool', `${volumeId}.qcow2`)
}

/** An instance of the customer's on another hypervisor, whose agent is of an age that knew no snapshots and no backups. */
export async function instanceUnderAnOldAgent(gateway: Gateway, admin: Api, accountId: string): Promise<Named> {
  const { hypervisorGroups } = await admin.ask('{ hypervisorGroups { id name } }')
  const { createHypervisor } = await admin.ask(
    'mutation ($input: CreateHypervisorInput!) { createHypervisor(input: $input) { enrolmentToken hypervisor { id } } }',
    { input: { hypervisorGroupId: named<Named>(hypervisorGroups, 'One machine').id, name: 'hv-old' } },
  )
  // Its pool is reached by both: else nothing could be moved.
  const { storagePools } = await admin.ask('{ storagePools { id } }')
  for (const { id } of storagePools as { id: string }[]) {
    await admin.ask('mutation ($input: UpdateStoragePoolInput!) { updateStoragePool(input: $input) { storagePool { reach } } }', {
      input: { storagePoolId: id, reach: 'SHARED' },
    })
  }
  const agent = new Api(gateway.url, createHypervisor.enrolmentToken)
  await agent.ask('mutation ($input: AgentHelloInput!) { agentHello(input: $input) { hypervisorId } }', {
    input: { version: '0.0.1', stateId: crypto.randomUUID(), capabilities: [] },
  })
  const { createInstance } = await admin.ask('mutation ($input: CreateInstanceInput!) { createInstance(input: $input) { instance { id name } } }', {
    input: { accountId, hypervisorId: createHypervisor.hypervisor.id, name: 'orders-db-old' },
  })
  return createInstance.instance
}

/** Changes what is in the gateway's database, for what takes days otherwise. */
export async function edit(gateway: Gateway, statements: string): Promise<void> {
  const program = 'import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=30).executescript(sys.argv[2])'
  await promisify(execFile)('python3', ['-c', program, `${gateway.data}/tidemark.db`, statements])
}

/** Lets a column be so many seconds older. */
export function older(column: string, seconds: number): string {
  return `${column} = strftime('%Y-%m-%dT%H:%M:%f+00:00', ${column}, '-${seconds} seconds')`
}

/** Lets time pass: whatever happened on the platform is that much older, and every pause is over. */
export async function pass(gateway: Gateway, seconds: number): Promise<void> {
  const instants = {
    volumes: ['created_at', 'cooldown_ends_at'],
    snapshots: ['created_at', 'available_at'],
    backups: ['created_at', 'available_at'],
    operations: ['created_at', 'started_at', 'finished_at'],
  }
  const changes = Object.entries(instants).map(([table, columns]) => `UPDATE ${table} SET ${columns.map((column) => older(column, seconds)).join(', ')};`)
  const bills = `UPDATE billing_spans SET began_ms = began_ms - ${seconds * 1000}, ended_ms = ended_ms - ${seconds * 1000};
    UPDATE billing_rates SET from_hour = from_hour - ${Math.floor(seconds / 3600)};`
  await edit(gateway, [...changes, bills].join('\n'))
}
