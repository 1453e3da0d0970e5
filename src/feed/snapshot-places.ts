/** How many snapshots may be under way at a time. */
export type SnapshotLimits = Readonly<{ ofClient: number; inAll: number }>

/** Counts the snapshots that are under way. */
export function createSnapshotPlaces({ ofClient, inAll }: SnapshotLimits) {
  const taken = new Map<string, number>()
  let all = 0
  return {
    /** A place for one snapshot of a client, and how to give it back; nothing when there is none. */
    take(client: string): (() => void) | undefined {
      const count = taken.get(client) ?? 0
      if (count >= ofClient || all >= inAll) return undefined
      taken.set(client, count + 1)
      all += 1
      return () => {
        const left = (taken.get(client) ?? 1) - 1
        if (left === 0) taken.delete(client)
        else taken.set(client, left)
        all -= 1
      }
    },
  }
}
