/** The list of hypervisor groups. */

import { Boxes, Plus } from 'lucide-react'
import { useState } from 'react'

import { graphql } from '~/api/graphql'
import { useKeptQuery } from '~/api/use-kept-query'
import { Loaded } from '~/app/loaded'
import { counted } from '~/lib/pages'
import { Button } from '~/parts/button'
import { Empty } from '~/parts/empty'
import { PageTitle } from '~/parts/page-title'
import { TableSkeleton } from '~/parts/skeleton'
import { Cell, type Column, Row, Table } from '~/parts/table'
import { TextLink } from '~/parts/text-link'

import { GroupDialog } from './group-dialog'

const GroupsQuery = graphql(`
  query HypervisorGroups {
    serverTime
    hypervisorGroups {
      id
      name
      backupStorage { id name }
      hypervisors { id status }
      plans { id }
    }
  }
`)

const COLUMNS: readonly Column[] = [
  { label: 'Name', className: 'w-full' },
  { label: 'Backup storage' },
  { label: 'Hypervisors', right: true },
  { label: 'Plans', right: true },
]

export default function HypervisorGroupsPage() {
  const [result, ask] = useKeptQuery({ query: GroupsQuery })
  const [creating, setCreating] = useState(false)
  const create = (
    <Button kind="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setCreating(true)}>
      Create group
    </Button>
  )
  const some = (result.data?.hypervisorGroups.length ?? 0) > 0
  return (
    <div className="flex flex-col gap-5">
      <PageTitle title="Hypervisor groups" below="Customers know them as locations." actions={some && create} />
      <Loaded result={result} ask={ask} pick={(data) => data.hypervisorGroups} what="list" skeleton={<TableSkeleton rows={3} />}>
        {(groups) =>
          groups.length === 0 ? (
            <Empty icon={<Boxes size={20} />} title="No hypervisor groups yet" action={create}>
              Hypervisors of a group share its storage pools, and its backup storage unless they have their own.
            </Empty>
          ) : (
            <>
              <Table name="Hypervisor groups" columns={COLUMNS}>
                {groups.map((group) => (
                  <Row key={group.id}>
                    <Cell className="@table:max-w-0 @table:min-w-40 truncate">
                      <TextLink to="/hypervisor-groups/$groupId" params={{ groupId: group.id }} className="text-body font-medium text-ink!" title={group.name}>
                        <bdi>{group.name}</bdi>
                      </TextLink>
                    </Cell>
                    <Cell place="right" className="max-w-64 truncate">
                      {group.backupStorage ? (
                        <TextLink to="/backup-storages/$storageId" params={{ storageId: group.backupStorage.id }}>
                          <bdi>{group.backupStorage.name}</bdi>
                        </TextLink>
                      ) : (
                        <span className="text-warn">None: no backups</span>
                      )}
                    </Cell>
                    <Cell right className="whitespace-nowrap">
                      {counted(group.hypervisors.length, 'hypervisor')}
                    </Cell>
                    <Cell right place="late" className="whitespace-nowrap">
                      {counted(group.plans.length, 'plan')}
                    </Cell>
                  </Row>
                ))}
              </Table>
              <p className="text-small text-ink-3 nums">{counted(groups.length, 'group')}</p>
            </>
          )
        }
      </Loaded>
      {creating && <GroupDialog onClosed={() => setCreating(false)} />}
    </div>
  )
}
