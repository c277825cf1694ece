/** What a journey of an administrator gets: a page on which the administrator has signed in, and the platform. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Page } from '@playwright/test'

import type { Api } from '../api.ts'
import { beginSession, type Named, named, test as base } from '../fixtures.ts'
import type { Gateway } from '../gateway.ts'

export { anotherBrowser, expect, expectAccessible, expectAccessibleEverywhere, makeItem, makeVolume, signIn } from '../fixtures.ts'

interface AdminFixtures {
  /** A page, still empty, of a browser in which the administrator has signed in. */
  desk: Page
}

export const test = base.extend<AdminFixtures>({
  desk: async ({ page, gateway }, use) => {
    await beginSession(page, await gateway.administrator())
    await use(page)
  },
})

/** The demo's own group, hypervisor and backup storage, and one of its plans. */
export async function platform(admin: Api): Promise<{ group: Named; hypervisor: Named; storage: Named; plan: Named }> {
  const data = await admin.ask('{ hypervisorGroups { id name } hypervisors { id name } backupStorages { id name } volumePlans { id name } }')
  return {
    group: named<Named>(data['hypervisorGroups'], 'One machine'),
    hypervisor: named<Named>(data['hypervisors'], 'this-machine'),
    storage: named<Named>(data['backupStorages'], 'Local backups'),
    plan: named<Named>(data['volumePlans'], 'Small, 1 GiB'),
  }
}

/** A directory of the gateway's, for a backup storage. */
export async function directory(gateway: Gateway, name: string): Promise<string> {
  const path = join(gateway.data, name)
  await mkdir(path, { recursive: true })
  return path
}

let count = 0

/** A name that no other journey has. A group’s has to sort behind the demo’s: some journeys take the first group. */
export function fresh(name: string): string {
  count += 1
  return `${name}-${process.pid}-${count}`
}

export async function setGroupStorage(admin: Api, groupId: string, backupStorageId: string | null): Promise<void> {
  await admin.ask('mutation ($input: UpdateHypervisorGroupInput!) { updateHypervisorGroup(input: $input) { hypervisorGroup { id } } }', {
    input: { hypervisorGroupId: groupId, backupStorageId },
  })
}

/** A hypervisor without an agent, so that what is asked of it waits; and its volume that is asked for. */
export async function stuckVolume(admin: Api, name: string): Promise<{ operationId: string; volumeId: string }> {
  const ask = async (mutation: string, type: string, selection: string, input: object) =>
    (await admin.ask(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${selection} } }`, { input }))[mutation]
  const { hypervisorGroup } = await ask('createHypervisorGroup', 'CreateHypervisorGroupInput', 'hypervisorGroup { id }', { name: fresh('Somewhere') })
  const hypervisorGroupId = hypervisorGroup.id
  await ask('createHypervisor', 'CreateHypervisorInput', 'hypervisor { id }', { hypervisorGroupId, name: fresh('vm-host-off') })
  await ask('createStoragePool', 'CreateStoragePoolInput', 'storagePool { id }', { hypervisorGroupId, name: 'files', qcow2File: { path: '/srv/volumes' } })
  const { plan } = await platform(admin)
  const made = await ask('createVolume', 'CreateVolumeInput', 'volume { id } operation { id }', { hypervisorGroupId, name, planId: plan.id })
  return { operationId: made.operation.id, volumeId: made.volume.id }
}
