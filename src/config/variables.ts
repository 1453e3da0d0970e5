import type { AddressDetail } from '../runtime/ip-addresses.js'
import { sessionKeyTemplates, sessionLifetime } from '../token/issuer-options.js'
import { eachParsedBy, oneOf, parsedBy, text, wholeNumber } from '../token/options.js'
import { parseExpiredCookie } from './cookies.js'
import {
  certificateFile,
  clearSiteData,
  fileContent,
  origin,
  origins,
  port,
  privateKeyFile,
  rateLimit,
  trustedProxies,
} from './parsers.js'
import { redisUrl, storeUrl } from './redis.js'
import {
  checkVariables,
  clientVariables,
  issuerVariables,
  logVariables,
  tokenVariables,
} from './shared-variables.js'
import { transmitterList } from './transmitters.js'
import type { ValuesOf, Variable } from './variable.js'

const addressDetails = ['full', 'truncate', 'none'] as const satisfies readonly AddressDetail[]

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
    option: trustedProxies,
    help: 'The proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: a comma list of addresses, CIDR ranges, `loopback` and `private` (RFC 1918, RFC 4193), or the number of proxies that every request passes. Trust a number only where clients cannot reach the service without these proxies.',
  },
  CORS_ORIGINS: {
    option: origins,
    help: 'Comma list of exact origins whose pages and apps may call the service, with credentials, such as `https://app.example.com` or `capacitor://localhost`.',
  },
  REDIS_URL: {
    section: 'Store',
    option: storeUrl,
    orFile: true,
    help: '`redis://host:port`, or what follows the primary: `redis+sentinel://host:port,host:port,host:port/name`, which lists every sentinel, or `redis+cluster://host:port,host:port`, with some nodes. Each may have `user:password@` in front of the addresses; all but the last may end with the number of a database. `rediss` in the place of `redis` is TLS, to sentinels too. `memory:` is the embedded store, which forgets every revocation at a restart. Required once a key is configured.',
  },
  REDIS_SENTINEL_USER: {
    option: text,
    orFile: true,
    help: 'User at the sentinels of a `redis+sentinel://` URL. Needs `REDIS_SENTINEL_PASSWORD`.',
  },
  REDIS_SENTINEL_PASSWORD: {
    option: text,
    orFile: true,
    help: 'Password at the sentinels. The user and password of the URL are those of the nodes.',
  },
  REDIS_CA_FILE: {
    option: certificateFile,
    help: "PEM file of the authority that signed Redis's certificate.",
  },
  REDIS_CERT_FILE: {
    option: certificateFile,
    help: 'PEM file of the client certificate for a URL with TLS. Needs `REDIS_KEY_FILE`.',
  },
  REDIS_KEY_FILE: {
    option: privateKeyFile,
    help: 'PEM file of the private key of that certificate.',
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
  ...issuerVariables,
  ...tokenVariables,
  ...checkVariables,
  ...clientVariables,
  TRANSMITTERS: {
    option: transmitterList,
    orFile: true,
    help: 'Experimental. JSON array of the systems that may send Global Token Revocations: `{issuer, audience, publicKey, jwksUri, discovery, allow, tokenIssuers}`, each with its `issuer`, one kind of key, and `allow`, which is `["gtr"]`. `audience` is `PUBLIC_URL` with `/api/v1/auth/global-token-revocation` when unset; `tokenIssuers` lists the configured issuers whose tokens may be ended, by default its own `issuer`.',
  },
  SESSION_MAX_LIFETIME_S: {
    section: 'Sessions',
    option: sessionLifetime,
    default: '2592000',
    unit: 's',
    help: 'Longest life of any token of a session. The revocation of a session or subject is kept for this time; a token that lives longer would work again. For tokens without `exp`, set `JWT_REQUIRE_EXP`, or set this to the time for which they are used.',
  },
  EXPIRED_ENDS_SESSION_S: {
    option: wholeNumber(0, 31_536_000),
    default: '0',
    unit: 's',
    help: 'For how long after its `exp` a token still ends the session that it names, for clients that come back from a long sleep. The answer is 403 all the same. With 0 an expired token ends nothing but itself.',
  },
  SESSION_KEYS: {
    option: sessionKeyTemplates,
    help: 'Comma list of Redis keys to delete at logout, such as `sess:{sid},koa:sess:{sid}`. `{sid}`, `{sub}` and `{jti}` stand for claims, whose text is put into the key unchanged. A template begins with a literal text that is not the start of a key under `cierre:`.',
  },
  SESSION_REDIS_URL: {
    option: redisUrl,
    orFile: true,
    help: 'The Redis that holds the keys of `SESSION_KEYS`, if it is not `REDIS_URL`, as a URL of the same forms. In `REDIS_URL` the keys are deleted together with the revocation; in another Redis, and in a cluster, they are deleted before it.',
  },
  SESSION_COOKIES: {
    option: eachParsedBy(parseExpiredCookie),
    help: 'Comma list of cookies to expire, with the attributes they were set with: `sid; Path=/; Domain=example.com; Secure`.',
  },
  AUTH_COOKIE: {
    option: parsedBy(parseExpiredCookie),
    help: 'Cookie from which logout takes a token, and which it expires, with the attributes it was set with: `token; Path=/; HttpOnly; Secure`. It counts only in requests without `Authorization` whose `Origin` is `PUBLIC_URL` or one of `CORS_ORIGINS`; one of these must be set.',
  },
  CLEAR_SITE_DATA: {
    option: clearSiteData,
    default: '"storage"',
    mayBeEmpty: true,
    help: '`Clear-Site-Data` of a 200 over HTTPS; empty turns it off. `"cookies"` would clear the whole registrable domain.',
  },
  UPSTREAM_TIMEOUT_MS: {
    option: wholeNumber(10, 60_000),
    default: '2000',
    unit: 'ms',
    help: 'How long a logout waits for the issuer to revoke the refresh token that its body has. The logout itself is stored before.',
  },
  RATE_LIMIT_ADDRESS: {
    section: 'Limits',
    option: rateLimit,
    default: '300/60',
    help: 'Logouts per client address (IPv6: per /64), as `count/seconds`, or `off`. Requests without a readable token in the body are counted apart, up to the same number. A window has up to 2147483 seconds.',
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
  ...logVariables,
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
