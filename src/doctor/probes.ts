import type { Probe } from './probe.js'
import { expiredToken } from './probes/expired-token.js'
import { forgedLogout } from './probes/forged-logout.js'
import { forgedToken } from './probes/forged-token.js'
import { lastingEntry } from './probes/lasting-entry.js'
import { logoutTwice } from './probes/logout-twice.js'
import { openConnection } from './probes/open-connection.js'
import { otherUser } from './probes/other-user.js'
import { preflight } from './probes/preflight.js'
import { refreshedToken } from './probes/refreshed-token.js'
import { respelledToken } from './probes/respelled-token.js'
import { sameToken } from './probes/same-token.js'
import { secondInstance } from './probes/second-instance.js'
import { siblingToken } from './probes/sibling-token.js'
import { storeGoodToken } from './probes/store-good-token.js'
import { storeLogout } from './probes/store-logout.js'
import { storeRevokedToken } from './probes/store-revoked-token.js'
import { tokenWithoutJti } from './probes/token-without-jti.js'
import { twoAtOnce } from './probes/two-at-once.js'

/** Every probe, in the order in which they are tried: those that stop the store come last. */
export const probes: readonly Probe[] = [
  sameToken,
  respelledToken,
  siblingToken,
  refreshedToken,
  secondInstance,
  openConnection,
  tokenWithoutJti,
  forgedToken,
  forgedLogout,
  logoutTwice,
  expiredToken,
  twoAtOnce,
  otherUser,
  preflight,
  lastingEntry,
  storeRevokedToken,
  storeGoodToken,
  storeLogout,
]
