/** Renames the volume. What is typed stays while another tab is looked at. */

import { Check } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import * as bounds from '~/api/bounds.generated'
import { graphql } from '~/api/graphql'
import { useSubmit } from '~/api/use-submit'
import { textReason } from '~/lib/text-bound'
import { Button } from '~/parts/button'
import { FailureNotice } from '~/parts/failure-notice'
import { Section } from '~/parts/section'
import { TextField } from '~/parts/text-field'
import { Unsaved } from '~/parts/unsaved'

const UpdateVolume = graphql(`
  mutation UpdateVolume($input: UpdateVolumeInput!) {
    updateVolume(input: $input) {
      volume { id name }
    }
  }
`)

const BOUND = bounds.UpdateVolumeInput.name

export function NameForm({ volume }: { volume: { id: string; name: string } }) {
  const { submit, pending, failure } = useSubmit(UpdateVolume)
  const [typed, setTyped] = useState<string>()
  const [saved, setSaved] = useState(false)
  const name = typed ?? volume.name
  const reason = textReason(name, BOUND, 'Name the volume first.') ?? (name.trim() === volume.name ? 'Nothing has changed.' : null)

  const save = async (event: FormEvent) => {
    event.preventDefault()
    if (reason) return
    if (!(await submit(() => ({ input: { volumeId: volume.id, name: name.trim() } })))) return
    setTyped(undefined)
    setSaved(true)
  }

  return (
    <form noValidate onSubmit={(event) => void save(event)}>
      <Section
        title="Name"
        about="Backups keep the name that the volume had when they were made."
        foot={
          <span className="flex items-center justify-end gap-4">
            <span role="status" className="flex items-center gap-1.5 text-ok">
              {saved && (
                <>
                  <Check size={16} aria-hidden />
                  Saved
                </>
              )}
            </span>
            <Button kind="primary" type="submit" pending={pending} reason={reason}>
              Rename
            </Button>
          </span>
        }
      >
        <FailureNotice failure={failure} />
        <div className="max-w-[40rem]">
          <TextField
            label="Volume’s name"
            value={name}
            onChange={(next) => {
              setSaved(false)
              setTyped(next)
            }}
            bound={BOUND}
            required
          />
        </div>
      </Section>
      <Unsaved changed={typed !== undefined && typed.trim() !== volume.name} what="The volume’s new name is not saved yet, and is lost when you leave." />
    </form>
  )
}
