/** A party that says which server is the primary, apart from the servers. */
export type Authority = Readonly<{
  /** How long ago the authority was asked that last named this address. */
  confirmedAgoMs(address: string): number
  /**
   * Asks again, unless that was not longer ago than `withinMs`.
   *
   * @returns why the address must not be used; `undefined` when it may be
   */
  confirm(address: string, withinMs?: number): Promise<'failover' | 'no_majority' | undefined>
}>
