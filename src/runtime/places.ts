/** How many may be taken at a time. */
export type PlaceLimits = Readonly<{ ofOne: number; inAll: number }>

/** Counts what is under way, in all and for each owner, so that no owner can keep the others from theirs. */
export function createPlaces({ ofOne, inAll }: PlaceLimits) {
  const taken = new Map<string, number>()
  let all = 0
  return {
    /** A place for one owner, and how to give it back; nothing when there is none. */
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
