import { cutoffClaims } from '../token/claim-mapping.js'
import { tokenLength } from '../token/canonical-encoding.js'
import { senderConstrainedRules } from '../token/confirmation.js'
import { defaultBackchannelScope, defaultBackchannelTyp } from '../token/issuer-options.js'
import { backchannelAllowances } from '../token/logout-token.js'
import { oneOf, someOf, text, texts, wholeNumber } from '../token/options.js'
import { clientList } from './clients.js'
import { filledJsonArray } from './parsers.js'
import type { Variable } from './variable.js'

// The rows that the service and the agent share.

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The issuers whose tokens are accepted. */
export const issuerVariables = {
  JWT_SECRET: {
    section: 'Issuer',
    option: text,
    orFile: true,
    help: 'HMAC secret, at least as long as the hash output (32, 48 or 64 bytes). A JWK of the type `oct` gives any bytes; a JWKS, or a JSON array of secrets, gives several.',
  },
  JWT_PUBLIC_KEY: {
    option: text,
    orFile: true,
    help: 'Public keys as PEM (`PUBLIC KEY`, `RSA PUBLIC KEY`, `CERTIFICATE`; one or several, folded or with literal `\\n`), JWK or JWKS. `JWT_SECRET`, `JWT_PUBLIC_KEY` and `JWT_JWKS_URI` may stand together.',
  },
  JWT_JWKS_URI: {
    option: text,
    help: 'URL of a key set. It is refreshed every 300 s; for an unknown `kid`, at most once in 5 s; after a failed signature, at most once in 30 s.',
  },
  JWT_DISCOVERY: {
    option: oneOf([true, false]),
    help: '`true` finds the key set by the metadata of `JWT_ISSUER` (`/.well-known/openid-configuration`, or RFC 8414), whose `issuer` must be equal.',
  },
  JWT_ALGORITHMS: {
    option: texts,
    help: 'Comma list of accepted algorithms. The default is `HS256` for a secret, `RS256,PS256` for an RSA key, the algorithm of the curve for an EC key and `EdDSA` for an Ed25519 key; for a remote key set, all of these but `HS256`.',
  },
  JWT_ISSUER: {
    option: text,
    help: 'Exact `iss`. Unchecked when unset. One `{claim}` in it, as in `https://login.example/{tid}/v2.0`, stands for that claim of the token (`A-Z a-z 0-9 _ -`); then `JWT_AUDIENCE` is needed.',
  },
  JWT_ISSUER_VALUES: {
    option: texts,
    help: 'Comma list of the values that the `{claim}` in `JWT_ISSUER` may have. Any, when unset.',
  },
  JWT_AUDIENCE: {
    option: texts,
    help: 'Comma list: `aud` must be or contain one of them. Unchecked when unset: ID tokens of the issuer then pass as access tokens.',
  },
  JWT_TYP: {
    option: text,
    help: "What the header's `typ` must be, such as `at+jwt`. When unset, every `typ` is accepted except those of other kinds of JWT (`…+jwt` other than `at+jwt`).",
  },
  JWT_SESSION_CLAIM: {
    option: texts,
    help: 'Claim that names the session, `sid` when unset; or a comma list, of which the first that is there counts. `OPERATING.md` says which providers need what.',
  },
  JWT_SUBJECT_CLAIM: { option: text, help: 'Claim that names the subject; `sub` when unset.' },
  JWT_AUDIENCE_CLAIM: {
    option: texts,
    help: 'Claim that is compared with `JWT_AUDIENCE` where a token has no `aud`, such as `client_id`; or a comma list, as above.',
  },
  JWT_BACKCHANNEL_AUDIENCE: {
    option: texts,
    help: 'Comma list of the `aud` that logout tokens may have: client ids that are registered at the issuer. When unset, logout tokens are refused.',
  },
  JWT_BACKCHANNEL_TYP: {
    option: text,
    default: defaultBackchannelTyp,
    help: '`typ` of logout tokens. `any` is `logout+jwt` with `typ-jwt` and `typ-absent` in `JWT_BACKCHANNEL_ALLOW`.',
  },
  JWT_BACKCHANNEL_ALLOW: {
    option: someOf(backchannelAllowances),
    help: 'Comma list of what logout tokens may lack or have: `typ-jwt` (their `typ` is `JWT`), `typ-absent`, `no-exp` (their `iat` is then at most 300 s old), `no-jti`. `OPERATING.md` says which providers need what.',
  },
  JWT_BACKCHANNEL_SCOPE: {
    option: text,
    default: defaultBackchannelScope,
    help: 'What a logout token ends: `session`, the session that it names; `subject`, the earlier tokens of its subject; `both`, the session and the earlier tokens of the subject that name no session, or the whole subject if the logout token names no session.',
  },
  JWT_REVOCATION_ENDPOINT: {
    option: text,
    help: 'URL at which the issuer revokes refresh tokens (RFC 7009). A logout hands it the `refreshToken` of its body. With `JWT_DISCOVERY` it is found in the metadata of the issuer, unless it is set.',
  },
  JWT_CLIENT_ID: {
    option: text,
    help: 'The client at the issuer that the refresh tokens are of. Without a secret or a private key it is a public client.',
  },
  JWT_CLIENT_SECRET: {
    option: text,
    orFile: true,
    help: 'Secret of that client, for HTTP Basic (`client_secret_basic`).',
  },
  JWT_CLIENT_PRIVATE_KEY: {
    option: text,
    orFile: true,
    help: 'Private key of that client, as PEM or JWK, instead of a secret: for `private_key_jwt` (RFC 7523), with `JWT_ISSUER` as `aud`.',
  },
  JWT_ISSUERS: {
    option: filledJsonArray,
    orFile: true,
    help: 'Several issuers, instead of the variables above in this section: JSON array of `{issuer, issuerValues, audience, algorithms, secret, publicKey, jwksUri, discovery, typ, sessionClaim, subjectClaim, audienceClaim, cutoffClaim, sessionMaxLifetimeS, sessionKeys, backchannelAudience, backchannelTyp, backchannelAllow, backchannelScope, revocationEndpoint, clientId, clientSecret, clientPrivateKey}`, each with at least one key; `secret` and `publicKey` may be arrays.',
  },
} as const satisfies Record<string, Variable>

/** Which tokens of these issuers are accepted. */
export const tokenVariables = {
  JWT_REQUIRE_EXP: {
    section: 'Tokens',
    option: oneOf([true, false]),
    default: 'false',
    help: '`true` refuses tokens without `exp`.',
  },
  CUTOFF_CLAIM: {
    option: oneOf(cutoffClaims),
    default: 'iat',
    help: 'Claim that is compared with the cutoff of a subject: `iat`, or `auth_time` to revoke tokens of later refreshes, too. Of a token without `auth_time`, `iat` counts.',
  },
  SENDER_CONSTRAINED: {
    option: oneOf(senderConstrainedRules),
    default: 'refuse',
    help: 'What `/verify` does with a token that has `cnf`: `refuse` it as a bearer token, or `ignore` the `cnf` when the API behind checks the proof itself.',
  },
  MAX_CLOCK_SKEW_S: {
    option: wholeNumber(0, 3600),
    default: '60',
    unit: 's',
    help: 'The largest leeway that any of your APIs grants, plus clock error. Cierre grants it to `nbf` and `iat`, and none to `exp`.',
  },
  MAX_TOKEN_LENGTH: {
    option: wholeNumber(tokenLength.least, tokenLength.most),
    default: String(tokenLength.default),
    help: 'Characters of the longest token that is accepted. What is longer is refused, and never reported as revoked or inactive.',
  },
} as const satisfies Record<string, Variable>

/** How a check answers. */
export const checkVariables = {
  MAX_STALENESS_MS: {
    section: 'Checks',
    option: wholeNumber(100, 3_600_000),
    default: '5000',
    unit: 'ms',
    help: 'For how long after a freshness check tokens are checked in memory. After that `/verify` reads the store, and the agent answers 503.',
  },
  AUTH_CLAIMS: {
    option: texts,
    help: 'Comma list of the claims that `X-Auth-Claims` of a check contains, as base64url of a JSON object.',
  },
} as const satisfies Record<string, Variable>

export const clientVariables = {
  CLIENTS: {
    section: 'Machine clients',
    option: clientList,
    orFile: true,
    help: 'JSON array of machine clients; `cierre client` prints an entry.',
  },
} as const satisfies Record<string, Variable>

export const logVariables = {
  LOG_LEVEL: {
    option: oneOf(logLevels),
    default: 'info',
    help: `Least level of a log line: ${logLevels.map((level) => `\`${level}\``).join(', ')}. Audit lines are written at every level.`,
  },
} as const satisfies Record<string, Variable>
