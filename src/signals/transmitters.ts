import type { IssuerKeys } from '../token/issuer-key-options.js'
import type { IssuerName } from '../token/issuer-name.js'
import type { KeySource } from '../token/key-source.js'

/** What a transmitter may send: `gtr` is Global Token Revocation. */
export const transmitterSignals = ['gtr'] as const
export type TransmitterSignal = (typeof transmitterSignals)[number]

/** The path of the operation, which is part of the `aud` of a transmitter's JWT. */
export const globalRevocationPath = '/api/v1/auth/global-token-revocation'

/** Another system that sends revocations; `Keys` is what it has in the place of keys. */
type TransmitterWith<Keys> = Readonly<{
  /** The exact `iss` of its JWTs. */
  issuer: string
  /** What `aud` of its JWTs may be. */
  audience: readonly string[]
  algorithms: readonly string[]
  keys: Keys
  allow: readonly TransmitterSignal[]
  /** The issuers whose tokens it may end; at least one. */
  tokenIssuers: readonly IssuerName[]
}>

/** A transmitter as it is configured. */
export type TransmitterConfig = TransmitterWith<IssuerKeys>

/** A transmitter whose keys are open. */
export type Transmitter = TransmitterWith<KeySource>
