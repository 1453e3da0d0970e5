// A guard that asks the service by introspection (RFC 7662) while it cannot tell whether a token is
// revoked, instead of answering 503 at once. The client needs the permissions `feed` and
// `introspect`.
import { askIntrospection, createGuard, type GuardIssuer } from 'cierre/guard'

export const createAskingGuard = (
  issuers: GuardIssuer[],
  service: { url: string; clientId: string; clientSecret: string | undefined },
) => {
  const guard = createGuard({ issuers, feed: service, onUnknown: askIntrospection(service) })
  guard.on('stale', () => console.error('the guard is stale and asks the service'))
  guard.on('fresh', () => console.error('the guard follows every revocation'))
  guard.on('warning', (error) => console.error(error.message))
  return guard
}
