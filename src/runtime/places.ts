/** How many places may be taken at a time, by one owner and in all. */
export type PlaceLimits = Readonly<{ ofOne: number; inAll: number }>

/**
 * Counts places that are taken, in all and by each owner, so that one owner cannot take them all.
 */
export function createPlaces({ ofOne, inAll }: PlaceLimits) {
  const taken = new Map<string, number>()
  let all = 0
  return {
    /** Takes a place and answers the function that releases it; nothing when no place is free. */
    take(owner: string): (() => void) | undefined {
      const count = taken.get(owner) ?? 0
      if (count >= ofOne || all >= inAll) return undefined
      taken.set(owner, count + 1)
      all += 1
      return () => {
        const left = (taken.get(owner) ?? 1) - 1
        if (left === 0) taken.delete(owner)
        else taken.set(owner, left)
        all -= 1
      }
    },
  }
}
