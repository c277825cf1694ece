/** The version of a hypervisor's agent, and the latest one if it is older. */

interface AgentVersionProps {
  hypervisor: { agentVersion: string | null; latestAgentVersion: string }
}

export function AgentVersion({ hypervisor: { agentVersion, latestAgentVersion } }: AgentVersionProps) {
  if (agentVersion === null) return <span className="text-ink-3">Unknown</span>
  return (
    <span className="block nums whitespace-nowrap">
      <span className="block">{agentVersion}</span>
      <span className={`block text-meta ${agentVersion === latestAgentVersion ? 'text-ink-3' : 'text-warn'}`}>
        {agentVersion === latestAgentVersion ? 'Latest' : `Latest is ${latestAgentVersion}`}
      </span>
    </span>
  )
}
