/** Who signs in to an account, what each may do, and what can be done with them. */

import { useViewer } from '~/app/session'
import { type Action, ActionMenu } from '~/parts/action-menu'
import { Status } from '~/parts/status'
import { Cell, type Column, Row, Table } from '~/parts/table'
import { Ago } from '~/parts/time'

export const ROLES = [
  { value: 'USER', label: 'User', detail: 'Works with its own account' },
  { value: 'ADMIN', label: 'Administrator', detail: 'Works with all accounts, and sets up the platform' },
] as const

export interface AccountUser {
  id: string
  email: string
  role: 'USER' | 'ADMIN'
  disabledAt: string | null
}

export type UserAction = 'change' | 'password' | 'sessions' | 'disable' | 'enable' | 'delete'

const COLUMNS: readonly Column[] = [{ label: 'Email', className: 'w-full' }, { label: 'Role' }, { label: 'Status' }, { label: 'Actions', silent: true }]

interface UsersTableProps {
  users: readonly AccountUser[]
  onAct: (action: UserAction, user: AccountUser) => void
}

export function UsersTable({ users, onAct }: UsersTableProps) {
  const viewer = useViewer()
  return (
    <Table name="Users" columns={COLUMNS}>
      {users.map((user) => (
        <Row key={user.id}>
          <Cell className="text-body font-medium anywhere">{user.email}</Cell>
          <Cell place="right" className="whitespace-nowrap text-ink-2">
            {ROLES.find((role) => role.value === user.role)?.label ?? user.role}
          </Cell>
          <Cell className="whitespace-nowrap">
            {user.disabledAt ? (
              <Status tone="neutral">
                Disabled <Ago at={user.disabledAt} />
              </Status>
            ) : (
              <Status tone="plain">Enabled</Status>
            )}
          </Cell>
          <Cell place="late">
            <ActionMenu label={`Actions for ${user.email}`} actions={actionsOf(user, user.id === viewer.user.id, (action) => onAct(action, user))} />
          </Cell>
        </Row>
      ))}
    </Table>
  )
}

function actionsOf({ disabledAt }: AccountUser, isViewer: boolean, act: (action: UserAction) => void): Action[] {
  const notOneself = isViewer ? 'It is you.' : undefined
  return [
    { label: 'Change…', onChoose: () => act('change') },
    { label: 'Set password…', onChoose: () => act('password') },
    { label: 'End sessions…', onChoose: () => act('sessions') },
    disabledAt ? { label: 'Enable…', onChoose: () => act('enable') } : { label: 'Disable…', onChoose: () => act('disable'), reason: notOneself },
    { label: 'Delete…', onChoose: () => act('delete'), reason: notOneself },
  ]
}
