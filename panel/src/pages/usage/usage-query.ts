/** What was used in a month, summed as the usage pages show it, and the sums of the months before. */

import { graphql, type FragmentOf } from '~/api/graphql'

export const UsageSums = graphql(`
  fragment UsageSums on UsageReport @_unmask {
    from
    to
    closedUntil
    totalCredits
    days: groups(by: DAY, first: 31) { nodes { from credits } }
    kinds: groups(by: KIND, first: 10) { nodes { kind lineCount byteHours credits } }
  }
`)

export type UsageSums = FragmentOf<typeof UsageSums>

/** How many volumes or accounts are named; the rest is one row. */
export const AccountUsageQuery = graphql(
  `
    query AccountUsage($account: ID!, $from: DateTime!, $to: DateTime!, $yearFrom: DateTime!, $yearTo: DateTime!) {
      serverTime
      usageReport(from: $from, to: $to, accountId: $account) {
        ...UsageSums
        volumes: groups(by: VOLUME, first: 50) {
          totalCount
          nodes { volumeId name lineCount byteHours credits }
          rest { credits }
        }
      }
      year: usageReport(from: $yearFrom, to: $yearTo, accountId: $account) {
        months: groups(by: MONTH, first: 12) { nodes { from credits } }
      }
    }
  `,
  [UsageSums],
)

/** The same of all accounts, for administrators. */
export const AllUsageQuery = graphql(
  `
    query AllUsage($from: DateTime!, $to: DateTime!, $yearFrom: DateTime!, $yearTo: DateTime!) {
      serverTime
      usageReport(from: $from, to: $to) {
        ...UsageSums
        accounts: groups(by: ACCOUNT, first: 100) {
          totalCount
          nodes { accountId name lineCount credits }
          rest { credits }
        }
      }
      year: usageReport(from: $yearFrom, to: $yearTo) {
        months: groups(by: MONTH, first: 12) { nodes { from credits } }
      }
    }
  `,
  [UsageSums],
)
