/** How a dialog shows the token that the agent of a hypervisor enrols with, this once. */

export function tokenDialog(hypervisorName: string) {
  return {
    title: `The enrolment token of ${hypervisorName}`,
    description: 'Copy it now: it is shown this once and not kept. The agent of the hypervisor sends it with all that it asks, so put it in the agent’s configuration.',
    cancel: 'Close',
    actions: null,
  }
}
