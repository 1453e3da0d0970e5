import type { BackchannelAllowance } from '../../src/token/logout-token.js'
import { logoutEvent, nowS, type Claims } from './tokens.js'

/** What a provider puts into its logout tokens, and the settings of an issuer that accept them. */
export type LogoutTokenShape = Readonly<{
  /** As in the table of `OPERATING.md`. */
  provider: string
  typ: string
  /** Seconds from `iat` to `exp`; absent: no `exp`. */
  lifetimeS?: number
  names: readonly ('sub' | 'sid')[]
  audIsArray?: true
  /** Further claims, as documented. */
  more?: Claims
  settings: Readonly<{
    backchannelTyp?: string
    backchannelAllow?: readonly BackchannelAllowance[]
  }>
}>

const subjectAndSession = ['sub', 'sid'] as const

/**
 * The logout tokens of eight providers, in several versions, as their source or documentation has
 * them (read in November 2026).
 */
export const logoutTokenShapes: readonly LogoutTokenShape[] = [
  {
    // Documentation: a request with its token.
    provider: 'Auth0',
    typ: 'JWT',
    lifetimeS: 120,
    names: subjectAndSession,
    more: { trace_id: '81b336a94a4a5707' },
    settings: { backchannelAllow: ['typ-jwt'] },
  },
  {
    // goauthentik/authentik, issue 16490.
    provider: 'authentik 2025.8.0 and 2025.8.1',
    typ: 'JWT',
    names: subjectAndSession,
    settings: { backchannelAllow: ['typ-jwt', 'no-exp'] },
  },
  {
    // Issue 16490 and pull request 19554.
    provider: 'authentik 2025.8.2 to 2025.12',
    typ: 'JWT',
    lifetimeS: 120,
    names: subjectAndSession,
    settings: { backchannelAllow: ['typ-jwt'] },
  },
  {
    // `utils.py` of 2026.5.6, as a patch of it quotes it.
    provider: 'authentik 2026.5 and newer',
    typ: 'logout+jwt',
    lifetimeS: 120,
    names: subjectAndSession,
    settings: {},
  },
  {
    // IdentityServer4, `Token.cs`; DuendeSoftware/products, issue 1169, has a token.
    provider: 'IdentityServer4, Duende IdentityServer before 6.3',
    typ: 'at+jwt',
    lifetimeS: 300,
    names: subjectAndSession,
    more: { nbf: nowS() },
    settings: { backchannelTyp: 'at+jwt' },
  },
  {
    // Documentation of `LogoutTokenJwtType`.
    provider: 'Duende IdentityServer 6.3 and newer',
    typ: 'logout+jwt',
    lifetimeS: 300,
    names: subjectAndSession,
    more: { nbf: nowS() },
    settings: {},
  },
  {
    // keycloak/keycloak, `DefaultTokenManager.java`, issue 25753.
    provider: 'Keycloak before 23.0.4',
    typ: 'JWT',
    names: subjectAndSession,
    more: {
      typ: 'Logout',
      events: { [logoutEvent]: {}, revoke_offline_access: true },
    },
    settings: { backchannelAllow: ['typ-jwt', 'no-exp'] },
  },
  {
    // Pull request 25787.
    provider: 'Keycloak 23.0.4 to 24',
    typ: 'JWT',
    lifetimeS: 120,
    names: subjectAndSession,
    more: { typ: 'Logout' },
    settings: { backchannelAllow: ['typ-jwt'] },
  },
  {
    // Pull request 29260.
    provider: 'Keycloak 25 and newer',
    typ: 'logout+jwt',
    lifetimeS: 120,
    names: subjectAndSession,
    more: { typ: 'Logout' },
    settings: {},
  },
  {
    // panva/node-oidc-provider, `id_token.js`; the real one is in `provider.test.ts`.
    provider: 'oidc-provider 9',
    typ: 'logout+jwt',
    lifetimeS: 120,
    names: subjectAndSession,
    settings: {},
  },
  {
    // The same file of an older version; logto-io/logto, `packages/core/package.json`.
    provider: 'older oidc-provider, as in Logto',
    typ: 'logout+jwt',
    names: subjectAndSession,
    settings: { backchannelAllow: ['no-exp'] },
  },
  {
    // ory/hydra, `strategy_default.go`, issue 4035; ory/fosite, `token.go`.
    provider: 'Ory Hydra',
    typ: 'JWT',
    names: ['sid'],
    audIsArray: true,
    settings: { backchannelAllow: ['typ-jwt', 'no-exp'] },
  },
  {
    // Documentation, which shows the claims and not the header.
    provider: 'PingAM, PingOne Advanced Identity Cloud',
    typ: 'JWT',
    names: subjectAndSession,
    more: { auditTrackingId: 'cb52bc45-91288', cause: 'CLIENT_LOGOUT' },
    settings: { backchannelAllow: ['typ-jwt', 'no-exp'] },
  },
  {
    // Documentation: a request with its token.
    provider: 'Zitadel',
    typ: 'JWT',
    lifetimeS: 900,
    names: subjectAndSession,
    audIsArray: true,
    settings: { backchannelAllow: ['typ-jwt'] },
  },
]

/** The claims of a logout token of this shape. */
export function claimsOfShape(
  { lifetimeS, names, audIsArray, more }: LogoutTokenShape,
  { iss, sub, sid, aud }: Readonly<Record<'iss' | 'sub' | 'sid' | 'aud', string>>,
): Claims {
  return {
    iss,
    aud: audIsArray ? [aud] : aud,
    exp: lifetimeS === undefined ? undefined : nowS(lifetimeS),
    sub: names.includes('sub') ? sub : undefined,
    sid: names.includes('sid') ? sid : undefined,
    ...more,
  }
}
