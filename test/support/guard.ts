import { createGuard, GuardError, type Guard, type GuardOptions } from '../../src/guard.js'
import { secretOf } from './clients.js'
import { hmacSecret } from './tokens.js'

export const feedOf = (origin: string) => ({
  url: origin,
  clientId: 'all',
  clientSecret: secretOf('all'),
})

/** A guard of the tests' issuer that follows a service. */
export const startGuard = (origin: string, options: Partial<GuardOptions> = {}): Guard =>
  createGuard({
    issuers: [{ issuer: 'https://issuer.test', secret: hmacSecret }],
    feed: feedOf(origin),
    ...options,
  })

/** The status that a guard would have answered. */
export async function statusOf(guard: Guard, jwt: string): Promise<number> {
  try {
    await guard.check(`Bearer ${jwt}`)
    return 200
  } catch (error) {
    if (error instanceof GuardError) return error.status
    throw error
  }
}
