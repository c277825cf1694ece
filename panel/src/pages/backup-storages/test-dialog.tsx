/** Tests a backup storage, from the gateway or a hypervisor, and shows how long that took or what failed. */

import { useEffect, useEffectEvent, useState } from 'react'

import { useApi, useServerTime } from '~/api/context'
import { graphql } from '~/api/graphql'
import { LONG_PATIENCE } from '~/api/patience'
import { useKeptQuery } from '~/api/use-kept-query'
import { useSubmit } from '~/api/use-submit'
import { formatDuration } from '~/lib/duration'
import { Button } from '~/parts/button'
import { Dialog } from '~/parts/dialog'
import { FailureNotice } from '~/parts/failure-notice'
import { Notice } from '~/parts/notice'
import { SelectField } from '~/parts/select-field'
import { Spinner } from '~/parts/spinner'
import { useDialog } from '~/parts/use-dialog'

import { hypervisorWords } from '../hypervisors/hypervisor-status'

import { TestOutcome } from './test-outcome'

const Testers = graphql(`
  query Testers {
    hypervisors { id name status }
  }
`)

const TestBackupStorage = graphql(`
  mutation TestBackupStorage($input: TestBackupStorageInput!) {
    testBackupStorage(input: $input) {
      test { at ok message tookMilliseconds hypervisor { id name } }
    }
  }
`)

/** In the place of a hypervisor. */
const GATEWAY = 'gateway'

interface TestDialogProps {
  storage: { id: string; name: string }
  /** It begins when the dialog opens. */
  atOnce?: boolean
  onClosed: () => void
}

export function TestDialog({ storage, atOnce, onClosed }: TestDialogProps) {
  const { clock } = useApi()
  const dialog = useDialog(onClosed)
  const { submit, pending, failure } = useSubmit(TestBackupStorage, { patience: LONG_PATIENCE })
  const [since, setSince] = useState(0)
  const [{ data }] = useKeptQuery({ query: Testers })
  const [from, setFrom] = useState(GATEWAY)
  const [outcome, setOutcome] = useState<{ ok: boolean; message: string; tookMilliseconds: number }>()

  const test = async () => {
    setSince(clock.now())
    const hypervisorId = from === GATEWAY ? undefined : from
    const done = await submit(() => ({ input: { backupStorageId: storage.id, hypervisorId } }))
    setOutcome(done?.testBackupStorage.test)
  }
  const begin = useEffectEvent(test)
  useEffect(() => {
    if (!atOnce) return
    const timer = setTimeout(() => void begin())
    return () => clearTimeout(timer)
  }, [atOnce])
  const again = () => {
    setOutcome(undefined)
    void test()
  }

  return (
    <Dialog
      {...dialog.props}
      title={<>Test <bdi>{storage.name}</bdi></>}
      description="A small object is written there, read back and deleted."
      cancel="Close"
      onSubmit={again}
      actions={
        <Button kind="primary" type="submit" pending={pending}>
          {outcome ? 'Test again' : 'Test'}
        </Button>
      }
    >
      <SelectField
        label="From"
        value={from}
        onChange={(chosen) => {
          setFrom(chosen)
          setOutcome(undefined)
        }}
        options={[
          { value: GATEWAY, label: 'The gateway' },
          ...(data?.hypervisors ?? []).map(({ id, name, status }) => ({
            value: id,
            label: name,
            detail: 'By its agent',
            reason: status === 'ONLINE' ? undefined : hypervisorWords(status),
          })),
        ]}
      />
      <FailureNotice failure={failure} isAdmin />
      {pending && <Waiting since={since} />}
      {outcome &&
        (outcome.ok ? (
          <div role="status">
            <TestOutcome test={outcome} />
          </div>
        ) : (
          <Notice live tone="bad" title="The test failed.">
            {outcome.message}
          </Notice>
        ))}
    </Dialog>
  )
}

/** A destination that hangs is given up on by the gateway, which says so. */
function Waiting({ since }: { since: number }) {
  const now = useServerTime('second')
  return (
    <p className="flex items-center gap-2 text-small text-ink-2 nums">
      <Spinner />
      {`No answer yet, after ${formatDuration(now - since)}. It is waited for until the gateway gives up.`}
    </p>
  )
}
