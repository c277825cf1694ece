/** A hypervisor whose agent is too old for snapshots and backups. */

import { expect, expectAccessible, leaveDialog, makeItem, test } from './fixtures.ts'
import { instanceUnderAnOldAgent, send } from './platform.ts'

test.use({ aloneFor: 'an old agent' })

test('what the agent cannot do yet is not offered, and what was asked for before is refused', async ({ panel, customer, gateway, admin }) => {
  await makeItem(customer, 'snapshot', 'before-the-move')
  const instance = await instanceUnderAnOldAgent(gateway, admin, customer.accountId)
  await panel.goto(`/volumes/${customer.volume.id}`)
  await panel.getByRole('button', { name: 'Take snapshot' }).click()
  await send(customer, 'attachVolume', { volumeId: customer.volume.id, instanceId: instance.id })
  await panel.getByRole('dialog').getByRole('button', { name: 'Take snapshot' }).click()
  const refusal = panel.getByRole('dialog').getByRole('alert')
  await expect(refusal).toContainText('The hypervisor\'s agent cannot do this yet: update the agent of this volume\'s hypervisor.')
  await expect(refusal).toContainText('Contact support.')
  await leaveDialog(panel)

  await panel.reload()
  const reason = 'This volume’s hypervisor needs an update first.'
  await expect(panel.getByRole('button', { name: 'Take snapshot' })).toHaveAccessibleDescription(reason)
  await expect(panel.getByRole('button', { name: 'Restore before-the-move' })).toHaveAccessibleDescription(reason)
  await expectAccessible(panel)
  await panel.getByRole('tab', { name: /^Backups/ }).click()
  await expect(panel.getByRole('button', { name: 'Create the first backup' })).toHaveAccessibleDescription(reason)
})
