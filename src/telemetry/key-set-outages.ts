import type { Outage, Outages } from './outages.js'

/** What is known of a key set that is fetched. */
export type KeySetState = Readonly<{
  /** Without the query, which may hold a secret. */
  address: string
  /** Fetches that failed so far. */
  failures: number
  /** Why the last fetch failed; absent when it did not fail. */
  reason: string | undefined
}>

const meanwhile =
  'tokens of keys that are not loaded: logout answers 500, every check 503; the keys from before stay in use'

/** Looks at every key set once a second, and makes outages of the fetches that failed. */
export function watchKeySets(outages: Outages, states: () => readonly KeySetState[]): void {
  const watched = new Map<string, { outage: Outage; failures: number }>()
  outages.onTick(() => {
    const current = states()
    for (const state of current) {
      const { address, failures } = state
      const one = watched.get(address) ?? {
        outage: outages.open({ outage: 'keys', address, meanwhile }),
        failures: 0,
      }
      watched.set(address, one)
      report(one.outage, state, failures - one.failures)
      one.failures = failures
    }
    // No token misses a key set that no issuer has any more, after a reload.
    for (const [address, { outage }] of watched)
      if (!current.some((state) => state.address === address)) outage.works()
  })
}

function report(outage: Outage, { reason }: KeySetState, failedNow: number): void {
  if (reason === undefined) outage.works()
  else if (failedNow > 0)
    outage.failed({ problem: 'key set not loaded', cause: reason, what: 'fetches' })
}
