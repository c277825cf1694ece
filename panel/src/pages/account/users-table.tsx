/** Who signs in to an account, and what each may do. */

import { Cell, type Column, Row, Table } from '~/parts/table'

export const ROLES = [
  { value: 'USER', label: 'User', detail: 'Works with its own account' },
  { value: 'ADMIN', label: 'Administrator', detail: 'Works with all accounts, and sets up the platform' },
] as const

const COLUMNS: readonly Column[] = [{ label: 'Email', className: 'w-full' }, { label: 'Role' }]

interface UsersTableProps {
  users: readonly { id: string; email: string; role: string }[]
}

export function UsersTable({ users }: UsersTableProps) {
  return (
    <Table name="Users" columns={COLUMNS}>
      {users.map((user) => (
        <Row key={user.id}>
          <Cell className="text-body font-medium anywhere">{user.email}</Cell>
          <Cell place="right" className="whitespace-nowrap text-ink-2">
            {ROLES.find((role) => role.value === user.role)?.label ?? user.role}
          </Cell>
        </Row>
      ))}
    </Table>
  )
}
