/** How a dialog shows the token that the agent of a hypervisor enrols with, this once: it does not go by Esc. */

export function tokenDialog(hypervisorName: string) {
  return {
    title: (
      <>
        The enrolment token of <bdi>{hypervisorName}</bdi>
      </>
    ),
    description: 'Copy it now: it is shown this once and not kept.',
    cancel: 'Close',
    keep: true,
    actions: null,
  }
}
