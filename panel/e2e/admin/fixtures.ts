/** What a journey of an administrator gets: a page on which the administrator has signed in, and the platform. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Page } from '@playwright/test'

import type { Api } from '../api.ts'
import { beginSession, expect, test as base, watchConsole } from '../fixtures.ts'
import type { Gateway } from '../gateway.ts'

export { expect, expectAccessible, expectAccessibleEverywhere, makeItem, signIn, watchConsole } from '../fixtures.ts'

interface AdminFixtures {
  /** A page, still empty, of a browser in which the administrator has signed in. */
  desk: Page
}

export const test = base.extend<AdminFixtures>({
  desk: async ({ page, gateway, expectedErrors }, use) => {
    const errors = watchConsole(page, expectedErrors)
    await beginSession(page, await gateway.administrator())
    await use(page)
    expect(errors).toEqual([])
  },
})

interface Named {
  id: string
  name: string
}

/** The demo's own group, hypervisor and backup storage, and one of its plans. */
export async function platform(admin: Api): Promise<{ group: Named; hypervisor: Named; storage: Named; plan: Named }> {
  const data = await admin.ask('{ hypervisorGroups { id name } hypervisors { id name } backupStorages { id name } volumePlans { id name } }')
  const named = (list: string, name: string): Named | undefined => data[list].find((one: Named) => one.name === name)
  const [group, hypervisor] = [named('hypervisorGroups', 'One machine'), named('hypervisors', 'this-machine')]
  const [storage, plan] = [named('backupStorages', 'Local backups'), named('volumePlans', 'Small, 1 GiB')]
  if (!group || !storage || !hypervisor || !plan) throw new Error('the demo has another platform')
  return { group, hypervisor, storage, plan }
}

/** A directory of the gateway's, for a backup storage. */
export async function directory(gateway: Gateway, name: string): Promise<string> {
  const path = join(gateway.data, name)
  await mkdir(path, { recursive: true })
  return path
}

let count = 0

/** A name that no other journey has. Customers of other journeys take the first group and hypervisor by name: the demo’s. */
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
