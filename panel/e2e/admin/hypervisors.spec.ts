/** Hypervisors and their groups. */

import { Api } from '../api.ts'

import { anotherBrowser, expect, expectAccessible, expectAccessibleEverywhere, fresh, platform, setGroupStorage, test } from './fixtures.ts'

test('a hypervisor is added, its token is shown once, and its agent’s first word is seen live', async ({ desk, gateway, admin }) => {
  // In a group of its own: the volumes of other journeys must not wait for an agent that only says hello.
  const group = { name: fresh('Somewhere') }
  await admin.ask('mutation ($name: String!) { createHypervisorGroup(input: { name: $name }) { hypervisorGroup { id } } }', group)
  const name = fresh('vm-host')
  await desk.goto('/hypervisors')
  await desk.getByRole('button', { name: 'Add hypervisor' }).click()
  await expect(desk.getByLabel('Name')).toBeFocused()
  await desk.keyboard.type(name)
  await desk.getByRole('combobox', { name: 'Group' }).click()
  await desk.getByRole('option', { name: group.name }).click()
  await expectAccessible(desk)
  await desk.getByRole('dialog').getByRole('button', { name: 'Add hypervisor' }).click()
  const dialog = desk.getByRole('dialog', { name: `The enrolment token of ${name}` })
  const token = (await dialog.getByLabel('Enrolment token').textContent()) ?? ''
  expect(token).toMatch(/^tidemark_/)
  await expect(dialog.getByRole('button', { name: 'Copy' })).toBeFocused()
  await expect(dialog).toContainText('/etc/tidemark/agent.toml')
  await expect(dialog).toContainText('agent.token_file')
  await expectAccessibleEverywhere(desk)
  // It is shown this once: neither a key nor a click beside it takes it away.
  await desk.keyboard.press('Escape')
  await desk.mouse.click(5, 5)
  await expect(dialog.getByLabel('Enrolment token')).toHaveText(token)
  await dialog.getByRole('button', { name: 'Close' }).click()
  await expect(dialog).toBeHidden()
  expect(await desk.content()).not.toContain(token)

  const row = desk.getByRole('row', { name: new RegExp(name) })
  await expect(row).toContainText('Never seen')
  await row.getByRole('link', { name }).click()
  await expect(desk.getByRole('heading', { level: 1, name })).toBeVisible()
  await expect(desk.getByText('No agent has said hello yet.')).toBeVisible()
  await new Api(gateway.url, token).ask('mutation ($input: AgentHelloInput!) { agentHello(input: $input) { hypervisorName } }', {
    input: { version: '0.0.1', stateId: '0190a0a0-0000-7000-8000-00000000a9e1', capabilities: ['VOLUME_SNAPSHOT'] },
  })
  await expect(desk.getByText('Online', { exact: true })).toBeVisible()
  await expect(desk.getByText(/^Latest is /)).toBeVisible()
  await expect(desk.getByText('The agent can’t: it needs an update first')).toHaveCount(1)
})

test('a group without a backup storage lets nobody make backups', async ({ desk, customer, admin, context, baseURL }) => {
  const { group, storage } = await platform(admin)
  await desk.goto('/hypervisor-groups')
  await desk.getByRole('link', { name: group.name }).click()
  await expect(desk.getByRole('heading', { level: 1, name: group.name })).toBeVisible()
  await desk.getByRole('button', { name: 'Change…' }).click()
  await desk.getByRole('combobox', { name: 'Backup storage' }).click()
  await desk.getByRole('option', { name: 'None' }).click()
  await expect(desk.getByText('Nobody can create backups here any more.')).toBeVisible()
  await expectAccessible(desk)
  await desk.getByRole('button', { name: 'Save' }).click()
  await expect(desk.getByText('None: no backups can be made here')).toBeVisible()

  const page = await anotherBrowser(context, customer, String(baseURL))
  await page.goto(`/volumes/${customer.volume.id}?tab=backups`)
  await expect(page.getByRole('button', { name: 'Create the first backup' })).toHaveAccessibleDescription('Backups are not set up for this volume’s location.')
  await setGroupStorage(admin, group.id, storage.id)
  await page.reload()
  await expect(page.getByRole('button', { name: 'Create the first backup' })).not.toHaveAttribute('aria-disabled', 'true')
  await page.context().close()
})

test('a group is created, and gets storage pools of both kinds', async ({ desk, admin }) => {
  const name = fresh('Rotterdam')
  await desk.goto('/hypervisor-groups')
  await desk.getByRole('button', { name: 'Create group' }).click()
  await desk.getByLabel('Name').fill(name)
  await desk.keyboard.press('Enter')
  await desk.getByRole('link', { name }).click()
  await expect(desk.getByText('Without a pool, no volume can be made here.')).toBeVisible()

  await desk.getByRole('button', { name: 'Add storage pool…' }).click()
  const dialog = desk.getByRole('dialog', { name: `Add a storage pool to ${name}` })
  await dialog.getByLabel('Name').fill('files')
  await dialog.getByLabel('Directory').fill('relative')
  await dialog.getByRole('button', { name: 'Add storage pool' }).click()
  await expect(dialog.getByLabel('Directory')).toHaveAccessibleDescription(/^It is an absolute path/)
  await expect(dialog.getByRole('alert')).toHaveCount(0)
  await dialog.getByLabel('Directory').fill('/srv/volumes')
  // Nobody is there yet whose own it could be.
  await expect(dialog.getByRole('combobox', { name: 'Reached by' })).toHaveText('All of the group')
  await dialog.getByRole('button', { name: 'Add storage pool' }).click()
  await expect(desk.getByRole('row', { name: /files QCOW2 file/ })).toContainText('/srv/volumesOn every hypervisor of the group')

  await desk.getByRole('button', { name: 'Add storage pool…' }).click()
  await dialog.getByRole('tab', { name: 'Ceph' }).click()
  await dialog.getByLabel('Name').fill('fast')
  await dialog.getByLabel('Pool', { exact: true }).fill('rbd')
  await dialog.getByLabel('User').fill('tidemark')
  await expectAccessible(desk)
  await dialog.getByRole('button', { name: 'Add storage pool' }).click()
  await expect(desk.getByRole('row', { name: /fast Ceph/ })).toContainText('rbd as tidemark')
  // Its pools decide which plans are offered there.
  await expect(desk.getByRole('table', { name: 'Plans' })).toBeVisible()
  // Customers are not offered a place that no hypervisor serves.
  const { hypervisorGroups } = await admin.ask('{ hypervisorGroups { name hypervisors { id } } }')
  expect(hypervisorGroups.find((one: { name: string }) => one.name === name).hypervisors).toEqual([])
})

test('a pool is one hypervisor’s own or shared by its group, as is chosen when it is added, and changed later', async ({ desk, admin }) => {
  // Dialogs suggest the first group that has hosts and pools: to other journeys that stays “One machine”.
  const name = fresh('Zutphen')
  const { createHypervisorGroup } = await admin.ask('mutation ($name: String!) { createHypervisorGroup(input: { name: $name }) { hypervisorGroup { id } } }', { name })
  const hypervisorGroupId: string = createHypervisorGroup.hypervisorGroup.id
  const [one, two] = [fresh('hv-one'), fresh('hv-two')]
  const addHost = async (host: string) =>
    admin.ask('mutation ($input: CreateHypervisorInput!) { createHypervisor(input: $input) { hypervisor { id } } }', { input: { hypervisorGroupId, name: host } })
  await addHost(one)
  await desk.goto(`/hypervisor-groups/${hypervisorGroupId}`)
  const dialog = desk.getByRole('dialog', { name: `Add a storage pool to ${name}` })
  const reach = dialog.getByRole('combobox', { name: 'Reached by' })
  const row = desk.getByRole('row', { name: /local-disk/ })
  await desk.getByRole('button', { name: 'Add storage pool…' }).click()
  await dialog.getByLabel('Name').fill('local-disk')
  await dialog.getByLabel('Directory').fill('/srv/volumes')
  // Of a group with one, it is that one's.
  await expect(reach).toHaveText(one)
  await expect(reach).toHaveAccessibleDescription('What lies there is worked on and attached on that one only.')
  await expectAccessibleEverywhere(desk)
  await dialog.getByRole('button', { name: 'Add storage pool' }).click()
  await expect(row).toContainText(`Only on ${one}`)

  await addHost(two)
  await desk.reload()
  await desk.getByRole('button', { name: 'Add storage pool…' }).click()
  await expect(reach).toHaveText('All of the group')
  await expect(reach).toHaveAccessibleDescription('The same directory is mounted on each of them.')
  await dialog.getByLabel('Name').fill('second')
  await dialog.getByLabel('Directory').fill('/srv/second')
  await reach.click()
  await expect(desk.getByRole('option')).toHaveText([/^All of the group/, new RegExp(`^${one}`), new RegExp(`^${two}`)])
  await desk.getByRole('option', { name: two }).click()
  await dialog.getByRole('button', { name: 'Add storage pool' }).click()
  await expect(desk.getByRole('row', { name: /second/ })).toContainText(`Only on ${two}`)

  await desk.getByRole('button', { name: 'Actions for local-disk' }).click()
  await desk.getByRole('group', { name: 'Actions for local-disk' }).getByRole('button', { name: 'Change…' }).click()
  const changing = desk.getByRole('dialog', { name: 'Change local-disk' })
  const save = changing.getByRole('button', { name: 'Save' })
  await expect(save).toHaveAccessibleDescription('Nothing has changed.')
  await changing.getByRole('combobox', { name: 'Reached by' }).click()
  await desk.getByRole('option', { name: 'All of the group' }).click()
  await expect(changing.getByText('Its marker is written anew.')).toBeVisible()
  await expectAccessibleEverywhere(desk)
  await save.click()
  await expect(changing).toBeHidden()
  await expect(row).toContainText('On every hypervisor of the group')
  const { storagePools } = await admin.ask('{ storagePools { name reach hypervisor { name } hypervisorGroup { id } } }')
  const here = storagePools.filter((pool: { hypervisorGroup: { id: string } }) => pool.hypervisorGroup.id === hypervisorGroupId)
  expect(here).toMatchObject([
    { name: 'local-disk', reach: 'SHARED', hypervisor: null },
    { name: 'second', reach: 'LOCAL', hypervisor: { name: two } },
  ])
})
