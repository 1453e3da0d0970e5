import type { IssuerKeys } from '../token/issuer-key-options.js'
import type { KeySource } from '../token/key-source.js'

export const permissions = ['introspect', 'revoke', 'feed', 'audit', 'erase'] as const
export type Permission = (typeof permissions)[number]

/** A machine client; `Keys` is what it has in the place of keys. */
type ClientWith<Keys> = Readonly<{
  id: string
  authentication: SecretHashes | Readonly<{ algorithms: readonly string[]; keys: Keys }>
  allow: readonly Permission[]
  /** The `aud` values of tokens that the client may ask about or revoke; absent: all. */
  audiences?: readonly string[]
  /** Further claims that introspection tells the client. */
  claims?: readonly string[]
}>

/** SHA-256 of each valid secret. Several allow rotation. */
export type SecretHashes = Readonly<{ secretHashes: readonly Buffer[] }>

/** A machine client as it is configured. */
export type ClientConfig = ClientWith<IssuerKeys>

/** A machine client whose keys, if it has any, are open. */
export type Client = ClientWith<KeySource>
