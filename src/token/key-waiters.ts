import { createPlaces } from '../runtime/places.js'

const longestWaitMs = 10_000
const limits = { ofOne: 8, inAll: 256 }

/**
 * Limits the requests that wait for a key set: 256 in all, 8 for each address, 10 s each.
 *
 * @returns a function that answers what `work` answers, or nothing when too many wait already or
 * the time is up
 */
export function createKeyWaiters(): <T>(
  address: string,
  work: () => Promise<T>,
) => Promise<T | undefined> {
  const places = createPlaces(limits)
  return async (address, work) => {
    const leave = places.take(address)
    if (leave === undefined) return undefined
    let timer: NodeJS.Timeout | undefined
    const timeUp = new Promise<undefined>(
      (resolve) => (timer = setTimeout(resolve, longestWaitMs, undefined)),
    )
    try {
      return await Promise.race([work(), timeUp])
    } finally {
      clearTimeout(timer)
      leave()
    }
  }
}
