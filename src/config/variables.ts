import type { CutoffClaim } from '../revocation/token-entries.js'
import type { AddressDetail } from '../runtime/ip-addresses.js'
import { senderConstrainedRules } from '../token/confirmation.js'
import {
  defaultBackchannelScope,
  defaultBackchannelTyp,
  sessionKeyTemplates,
  sessionLifetime,
} from '../token/issuer-options.js'
import { eachParsedBy, oneOf, text, texts, wholeNumber } from '../token/options.js'
import { clientList } from './clients.js'
import { parseExpiredCookie } from './cookies.js'
import {
  addressRanges,
  certificateFile,
  clearSiteData,
  fileContent,
  filledJsonArray,
  origin,
  origins,
  rateLimit,
} from './parsers.js'
import { embeddedStore, redisUrl } from './redis.js'
import type { ValuesOf, Variable } from './variable.js'

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const cutoffClaims = ['iat', 'auth_time'] as const satisfies readonly CutoffClaim[]
const addressDetails = ['full', 'truncate', 'none'] as const satisfies readonly AddressDetail[]
const port = wholeNumber(0, 65_535)

/**
 * Every environment variable of the service: this table parses it, gives its default and documents
 * it (`generated/configuration.md`). Rules for several variables stand in `rules.ts`. The settings
 * of a single issuer are texts here, because `parseIssuer` checks them.
 */
export const variables = {
  HOST: {
    section: 'Address and TLS',
    option: text,
    default: '127.0.0.1',
    help: 'Address to listen on.',
  },
  PORT: { option: port, default: '3000', help: 'Port to listen on; `0` takes a free one.' },
  PUBLIC_URL: {
    option: origin,
    help: 'The origin that clients see, such as `https://auth.example.com`.',
  },
  TLS_CERT_FILE: {
    option: fileContent,
    help: 'PEM file of the certificate, to serve HTTPS without a proxy. Needs `TLS_KEY_FILE`.',
  },
  TLS_KEY_FILE: { option: fileContent, help: 'PEM file of the private key of that certificate.' },
  TRUST_PROXY: {
    option: addressRanges,
    help: 'Comma list of proxies (addresses, CIDR) whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.',
  },
  CORS_ORIGINS: {
    option: origins,
    help: 'Comma list of exact origins whose pages may call the service, with credentials.',
  },
  REDIS_URL: {
    section: 'Store',
    option: redisUrl([embeddedStore]),
    orFile: true,
    help: '`redis://` or `rediss://`. `memory:` is the embedded store, which forgets every revocation at a restart. Required once a key is configured.',
  },
  REDIS_CA_FILE: {
    option: certificateFile,
    help: "PEM file of the authority that signed Redis's certificate.",
  },
  REDIS_MIN_REPLICAS: {
    option: wholeNumber(0, 100),
    default: '0',
    help: 'Replicas that must acknowledge a revocation before its 200.',
  },
  STORE_TIMEOUT_MS: {
    option: wholeNumber(10, 60_000),
    default: '1000',
    unit: 'ms',
    help: 'Deadline of every store operation. A logout makes one operation. It makes two when Redis cannot count requests or when replicas must confirm a 401, and up to three, one after the other, when session data is in another Redis.',
  },
  JWT_SECRET: {
    section: 'Issuer',
    option: text,
    orFile: true,
    help: 'HMAC secret, at least as long as the hash output (32, 48 or 64 bytes).',
  },
  JWT_PUBLIC_KEY: {
    option: text,
    orFile: true,
    help: 'Public key as PEM (SPKI; literal `\\n` is understood), JWK or JWKS.',
  },
  JWT_JWKS_URI: {
    option: text,
    help: 'URL of a key set. It is refreshed every 300 s; for an unknown `kid`, at most once in 5 s; after a failed signature, at most once in 30 s.',
  },
  JWT_ALGORITHMS: {
    option: texts,
    help: 'Comma list of accepted algorithms. The default is `HS256` for a secret, `RS256,PS256` for an RSA key, the algorithm of the curve for an EC key and `EdDSA` for an Ed25519 key; for a remote key set, all of these but `HS256`.',
  },
  JWT_ISSUER: { option: text, help: 'Exact `iss`. Unchecked when unset.' },
  JWT_AUDIENCE: {
    option: text,
    help: 'What `aud` must be or contain. Unchecked when unset: ID tokens of the issuer then pass as access tokens.',
  },
  JWT_TYP: {
    option: text,
    help: "What the header's `typ` must be, such as `at+jwt`. When unset, every `typ` is accepted but that of another kind of JWT (`…+jwt` other than `at+jwt`).",
  },
  JWT_BACKCHANNEL_AUDIENCE: {
    option: texts,
    help: 'Comma list of the `aud` that logout tokens may have: client ids that are registered at the issuer. When unset, logout tokens are refused.',
  },
  JWT_BACKCHANNEL_TYP: {
    option: text,
    default: defaultBackchannelTyp,
    help: '`typ` of logout tokens; `any` for providers that send none or their own.',
  },
  JWT_BACKCHANNEL_SCOPE: {
    option: text,
    default: defaultBackchannelScope,
    help: 'What a logout token ends: the `session` that it names, the earlier tokens of its `subject`, or `both`.',
  },
  JWT_ISSUERS: {
    option: filledJsonArray,
    orFile: true,
    help: 'Several issuers, instead of the variables above in this section: JSON array of `{issuer, audience, algorithms, secret or publicKey or jwksUri, typ, sessionMaxLifetimeS, sessionKeys, backchannelAudience, backchannelTyp, backchannelScope}`.',
  },
  JWT_REQUIRE_EXP: {
    section: 'Tokens',
    option: oneOf([true, false]),
    default: 'false',
    help: '`true` refuses tokens without `exp`.',
  },
  CUTOFF_CLAIM: {
    option: oneOf(cutoffClaims),
    default: 'iat',
    help: 'Claim that is compared with the cutoff of a subject: `iat`, or `auth_time` to revoke tokens of later refreshes, too.',
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
  MAX_STALENESS_MS: {
    section: 'Checks',
    option: wholeNumber(100, 3_600_000),
    default: '5000',
    unit: 'ms',
    help: 'How old the knowledge may be by which `/verify` answers from memory. While it is older, `/verify` reads the store.',
  },
  AUTH_CLAIMS: {
    option: texts,
    help: 'Comma list of the claims that `X-Auth-Claims` of a check has: base64url of a JSON object.',
  },
  CLIENTS: {
    section: 'Machine clients',
    option: clientList,
    orFile: true,
    help: 'JSON array of machine clients; `cierre client` prints an entry.',
  },
  SESSION_MAX_LIFETIME_S: {
    section: 'Sessions',
    option: sessionLifetime,
    default: '2592000',
    unit: 's',
    help: 'Longest life of any token of a session. The revocation of a session or subject is kept for this time; a token that lives longer would work again. For tokens without `exp`, set `JWT_REQUIRE_EXP`, or set this to the time for which they are used.',
  },
  SESSION_KEYS: {
    option: sessionKeyTemplates,
    help: 'Comma list of Redis keys to delete at logout, such as `sess:{sid},koa:sess:{sid}`. `{sid}`, `{sub}` and `{jti}` stand for claims, whose text is put into the key unchanged. A template begins with a literal text that no claim can complete to a key under `cierre:`.',
  },
  SESSION_REDIS_URL: {
    option: redisUrl(),
    orFile: true,
    help: 'The Redis that holds the keys of `SESSION_KEYS`, if it is not `REDIS_URL`. In `REDIS_URL` the keys are deleted together with the revocation; in another Redis they are deleted before it.',
  },
  SESSION_COOKIES: {
    option: eachParsedBy(parseExpiredCookie),
    help: 'Comma list of cookies to expire, with the attributes they were set with: `sid; Path=/; Domain=example.com; Secure`.',
  },
  CLEAR_SITE_DATA: {
    option: clearSiteData,
    default: '"storage"',
    mayBeEmpty: true,
    help: '`Clear-Site-Data` of a 200 over HTTPS; empty turns it off. `"cookies"` would clear the whole registrable domain.',
  },
  RATE_LIMIT_ADDRESS: {
    section: 'Limits',
    option: rateLimit,
    default: '300/60',
    help: 'Logouts per client address (IPv6: per /64), as `count/seconds`, or `off`.',
  },
  RATE_LIMIT_SUBJECT: {
    option: rateLimit,
    default: '30/60',
    help: 'Logouts per verified subject over all instances, as `count/seconds`, or `off`. Counts are neither replicated nor saved: a Redis that restarts or takes over counts from 0 again.',
  },
  AUDIT_ADDRESS: {
    section: 'Audit, log and metrics',
    option: oneOf(addressDetails),
    default: 'truncate',
    help: 'Client address in the audit trail: `full`, `truncate` (/24, /48) or `none`.',
  },
  AUDIT_MAX_EVENTS: {
    option: wholeNumber(1, 1_000_000_000),
    default: '1000000',
    help: 'About how many events the audit trail keeps.',
  },
  AUDIT_MAX_AGE_DAYS: {
    option: wholeNumber(1, 36_500),
    default: '90',
    unit: 'days',
    help: 'How long the audit trail keeps an event.',
  },
  LOG_LEVEL: {
    option: oneOf(logLevels),
    default: 'info',
    help: `Least level of a log line: ${logLevels.map((level) => `\`${level}\``).join(', ')}. Audit lines are written at every level.`,
  },
  METRICS_PORT: {
    option: port,
    help: 'Port of `/metrics`, on `HOST`. When unset, `/metrics` is served on the public port, but not at all in production.',
  },
  DOCS: {
    option: oneOf(['on', 'off']),
    default: 'on',
    help: 'Whether `/docs` is served: `on` or `off`.',
  },
  NODE_ENV: {
    option: text,
    help: '`production` demands a key. Otherwise a service without a key makes a throwaway key, if `HOST` is a loopback address.',
  },
} as const satisfies Record<string, Variable>

export type VariableName = keyof typeof variables

/** The parsed value of every variable. */
export type Values = ValuesOf<typeof variables>
