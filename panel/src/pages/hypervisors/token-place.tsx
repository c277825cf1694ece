/** Where an enrolment token goes: the file, and the setting in it. */

const CODE = 'rounded-chip bg-sunken px-1 py-0.5 font-mono text-ink anywhere'

export function TokenPlace() {
  return (
    <div className="flex flex-col gap-2 text-small text-ink-2">
      <p>
        On the hypervisor, it is the setting <code className={CODE}>token</code> in <code className={CODE}>/etc/tidemark/agent.toml</code>. Only root should be able to read that. The agent takes it when it is started again.
      </p>
      <p>
        Where the gateway runs the agent itself, it goes alone into the file that <code className={CODE}>agent.token_file</code> of the gateway’s configuration names.
      </p>
    </div>
  )
}
