/**
 * What a journey gets: a gateway for each worker, and in it a customer of its own with an instance and
 * a volume. An error in the console of any page, in whichever browser, fails the test.
 */

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { type BrowserContext, expect, type Page, test as base } from '@playwright/test'

import { Api } from './api.ts'
import { Gateway } from './gateway.ts'

export { expect } from '@playwright/test'
export { expectAccessible, expectAccessibleEverywhere } from './accessibility.ts'

export interface Named {
  id: string
  name: string
}

export interface Customer {
  email: string
  password: string
  api: Api
  accountId: string
  instance: Named
  volume: Named
}

interface TestFixtures {
  customer: Customer
  /** A page, still empty, of a browser in which the customer has signed in. */
  panel: Page
  /** Which errors of the console the journey provokes. */
  expectedErrors: RegExp | undefined
  /** What the pages of all browsers complain of. */
  consoleErrors: void
}

interface WorkerFixtures {
  /** Of the gateway. */
  cooldownSeconds: number
  inFlightLimit: number
  deadlineSeconds: number | undefined
  /** Journeys that leave traces on the platform name themselves here, and get a gateway for themselves. */
  aloneFor: string | undefined
  gateway: Gateway
  admin: Api
}

let count = 0

export const test = base.extend<TestFixtures, WorkerFixtures>({
  cooldownSeconds: [0, { option: true, scope: 'worker' }],
  inFlightLimit: [3, { option: true, scope: 'worker' }],
  deadlineSeconds: [undefined, { option: true, scope: 'worker' }],
  aloneFor: [undefined, { option: true, scope: 'worker' }],
  gateway: [
    async ({ cooldownSeconds, inFlightLimit, deadlineSeconds }, use) => {
      const gateway = await Gateway.start({ cooldownSeconds, inFlightLimit, deadlineSeconds })
      await use(gateway)
      await gateway.stop()
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  admin: [
    async ({ gateway }, use) => use(await Api.signIn(gateway.url, await gateway.administrator())),
    { scope: 'worker' },
  ],
  baseURL: async ({ gateway }, use) => use(gateway.url),
  customer: async ({ gateway, admin }, use) => use(await makeCustomer(gateway, admin)),
  expectedErrors: [undefined, { option: true }],
  consoleErrors: [
    async ({ browser, expectedErrors }, use) => {
      const errors: string[][] = []
      const watch = (context: BrowserContext) => {
        context.on('page', (page) => errors.push(watchConsole(page, expectedErrors)))
      }
      browser.on('context', watch)
      await use()
      browser.off('context', watch)
      expect(errors.flat()).toEqual([])
    },
    { auto: true },
  ],
  panel: async ({ page, customer }, use) => {
    await beginSession(page, customer)
    await use(page)
  },
})

/** Collects what a page complains of. */
function watchConsole(page: Page, expected: RegExp | undefined): string[] {
  const errors: string[] = []
  page.on('console', (message) => {
    const text = message.text()
    const isNoise = !['error', 'warning'].includes(message.type())
    if (!isNoise && !expected?.test(text)) errors.push(text)
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  return errors
}

/** Signs in as the form does, without the form: the browser has the session's cookie from then on. */
export async function beginSession(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  const query = 'mutation ($input: SignInInput!) { signIn(input: $input) { token } }'
  // By this the gateway knows a page of its own.
  const { origin } = new URL((await page.request.get('/')).url())
  const answer = await page.request.post('/graphql', { headers: { origin }, data: { query, variables: { input: { email, password } } } })
  expect(await answer.json()).not.toHaveProperty('errors')
}

/** Signs in by the form. */
export async function signIn(page: Page, { email, password }: { email: string; password: string }, path = '/'): Promise<void> {
  await page.goto(path)
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('button', { name: `account of ${email}` })).toBeVisible()
}

/** Closes the dialog by the keyboard, and waits until it is gone: it has buttons of the same names as the page. */
export async function leaveDialog(page: Page): Promise<void> {
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog').or(page.getByRole('alertdialog'))).toHaveCount(0)
}

/** Signs the customer in in another browser. */
export async function anotherBrowser(context: BrowserContext, customer: Customer, baseURL: string): Promise<Page> {
  const other = await context.browser()?.newContext({ baseURL })
  if (!other) throw new Error('there is no browser')
  const page = await other.newPage()
  await beginSession(page, customer)
  return page
}

async function makeCustomer(gateway: Gateway, admin: Api): Promise<Customer> {
  count += 1
  const suffix = `${process.pid}-${count}`
  const who = { email: `mara-${suffix}@northwind.example`, password: 'a long enough password' }
  const { createAccount } = await admin.ask('mutation ($name: String!) { createAccount(input: { name: $name }) { account { id } } }', {
    name: `Northwind ${suffix}`,
  })
  const accountId: string = createAccount.account.id
  await admin.ask('mutation ($input: CreateUserInput!) { createUser(input: $input) { user { id } } }', { input: { accountId, ...who } })
  const { hypervisors } = await admin.ask('{ hypervisors { id name } }')
  const { createInstance } = await admin.ask('mutation ($input: CreateInstanceInput!) { createInstance(input: $input) { instance { id name } } }', {
    input: { accountId, hypervisorId: named(hypervisors, 'this-machine').id, name: 'orders-db-01' },
  })
  const api = await Api.signIn(gateway.url, who)
  const volume = await makeVolume(api, 'orders-db-data')
  return { ...who, api, accountId, instance: createInstance.instance, volume }
}

/** The one of that name: journeys of the same gateway add others to its lists. */
export function named<One extends Named>(list: readonly One[], name: string): One {
  const found = list.find((one) => one.name === name)
  if (!found) throw new Error(`there is no ${name}`)
  return found
}

/** Makes a volume of the plan whose name begins so, on the demo's own machine, and waits until it is there. */
export async function makeVolume(api: Api, name: string, plan = 'Small'): Promise<Named> {
  const { hypervisorGroups } = await api.ask('{ hypervisorGroups { id name plans { id name } } }')
  const group = named<Named & { plans: Named[] }>(hypervisorGroups, 'One machine')
  const planId = group.plans.find((one) => one.name.startsWith(plan))?.id
  const { createVolume } = await api.ask('mutation ($input: CreateVolumeInput!) { createVolume(input: $input) { volume { id name } } }', {
    input: { name, planId, hypervisorGroupId: group.id },
  })
  const { id } = createVolume.volume
  await api.until('query ($id: ID!) { volume(id: $id) { status } }', { id }, (data) => data['volume'].status === 'AVAILABLE')
  return { id, name }
}

/** Makes a snapshot or a backup, and waits until it is there. */
export async function makeItem({ api, volume }: Customer, kind: 'snapshot' | 'backup', name: string): Promise<Named> {
  const [field, input] = kind === 'snapshot' ? ['createSnapshot', 'CreateSnapshotInput'] : ['createBackup', 'CreateBackupInput']
  const data = await api.ask(`mutation ($input: ${input}!) { ${field}(input: $input) { ${kind} { id name } } }`, {
    input: { volumeId: volume.id, name },
  })
  const item: Named = data[field][kind]
  await api.until(`query ($id: ID!) { ${kind}(id: $id) { status } }`, { id: item.id }, (answer) => answer[kind].status === 'AVAILABLE')
  return item
}

/** Fills the start of a volume with bytes that no compression makes smaller. */
export async function fill(gateway: Gateway, volume: Named, mebibytes: number, sizeGibibytes = 1): Promise<void> {
  const raw = join(gateway.data, `${volume.id}.raw`)
  await writeFile(raw, randomBytes(mebibytes * 2 ** 20))
  await truncate(raw, sizeGibibytes * 2 ** 30)
  const image = join(gateway.data, 'pool', `${volume.id}.qcow2`)
  await promisify(execFile)('qemu-img', ['convert', '-O', 'qcow2', raw, image])
  await rm(raw)
}

/** Lets the demo's own machine write backups no faster than that. */
export async function limitBackups(admin: Api, bytesPerSecond: number | null): Promise<void> {
  const { hypervisors } = await admin.ask('{ hypervisors { id name backupStorage { id } } }')
  const { backupStorage } = named<Named & { backupStorage: { id: string } }>(hypervisors, 'this-machine')
  await admin.ask('mutation ($input: UpdateBackupStorageInput!) { updateBackupStorage(input: $input) { backupStorage { id } } }', {
    input: { backupStorageId: backupStorage.id, bandwidthLimit: bytesPerSecond },
  })
}
