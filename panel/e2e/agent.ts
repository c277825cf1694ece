/** An agent by hand: a hypervisor of its own, whose work goes exactly as far as a journey says. */

import { Api, type Json } from './api.ts'
import type { Customer, Named } from './fixtures.ts'
import type { Gateway } from './gateway.ts'
import { reaches, send } from './platform.ts'

/** What it has taken. */
interface Work {
  operationId: string
  epoch: number
}

export class HandAgent {
  readonly #api: Api
  readonly groupId: string
  readonly planId: string

  private constructor(api: Api, groupId: string, planId: string) {
    this.#api = api
    this.groupId = groupId
    this.planId = planId
  }

  /** Adds a group with one hypervisor, a pool and the demo's own backup storage; the agent says hello. */
  static async start(gateway: Gateway, admin: Api, group: string, host: string): Promise<HandAgent> {
    const ask = async (mutation: string, what: string, input: Json): Promise<Json> => {
      const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`
      return (await admin.ask(`mutation ($input: ${type}!) { ${mutation}(input: $input) { ${what} } }`, { input }))[mutation]
    }
    const { backupStorages, volumePlans } = await admin.ask('{ backupStorages { id } volumePlans { id enabled storageType } }')
    const { hypervisorGroup } = await ask('createHypervisorGroup', 'hypervisorGroup { id }', { name: group, backupStorageId: backupStorages[0].id })
    const hypervisorGroupId: string = hypervisorGroup.id
    const { enrolmentToken } = await ask('createHypervisor', 'enrolmentToken', { hypervisorGroupId, name: host })
    await ask('createStoragePool', 'storagePool { id }', { hypervisorGroupId, name: 'files', qcow2File: { path: '/srv/volumes' } })
    const api = new Api(gateway.url, enrolmentToken)
    await api.ask('mutation ($input: AgentHelloInput!) { agentHello(input: $input) { hypervisorId } }', {
      input: { version: '0.1.0', stateId: crypto.randomUUID(), capabilities: ['VOLUME_SNAPSHOT', 'VOLUME_BACKUP'] },
    })
    const plan = volumePlans.find((one: Json) => one['enabled'] && one['storageType'] === 'QCOW2_FILE')
    return new HandAgent(api, hypervisorGroupId, plan.id)
  }

  /** Makes an empty volume there. */
  async makeVolume(customer: Customer, name: string): Promise<Named> {
    const input = { name, planId: this.planId, hypervisorGroupId: this.groupId }
    const { volume, operation } = await send(customer, 'createVolume', input, 'volume { id name } operation { id }')
    await this.complete(await this.take())
    await reaches(customer, operation.id, 'COMPLETED')
    return volume
  }

  /** Takes the one operation that waits for it. */
  async take(): Promise<Work> {
    const query = 'mutation ($input: AgentClaimInput!) { agentClaim(input: $input) { assignments { operationId epoch } } }'
    const { agentClaim } = await this.#api.until(query, { input: { limit: 1 } }, (data) => data['agentClaim'].assignments.length > 0)
    return agentClaim.assignments[0]
  }

  async report({ operationId, epoch }: Work, phase: string, bytesDone: number, bytesTotal: number): Promise<void> {
    const query = 'mutation ($input: AgentReportProgressInput!) { agentReportProgress(input: $input) { lease { state } } }'
    await this.#api.ask(query, { input: { operationId, epoch, phase, bytesDone, bytesTotal } })
  }

  async complete(work: Work, yields: Json = {}): Promise<void> {
    await this.#finish(work, { completed: yields })
  }

  /** Says that it has stopped, and that the volume is what it was. */
  async stop(work: Work): Promise<void> {
    await this.#finish(work, { stopped: { volumeTouched: false } })
  }

  async #finish({ operationId, epoch }: Work, outcome: Json): Promise<void> {
    const query = 'mutation ($input: AgentFinishInput!) { agentFinish(input: $input) { accepted } }'
    await this.#api.ask(query, { input: { operationId, epoch, outcome } })
  }
}
