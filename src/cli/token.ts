import { requestWithin, textOf } from '../runtime/http-client.js'
import { readSecret } from '../config/read-variables.js'
import { isOfSecret } from '../token/issuer-key-options.js'
import { parseIssuerName } from '../token/issuer-name.js'
import type { SecretKey } from '../token/key-material.js'
import { createFaults, optional, parsedBy, texts } from '../token/options.js'
import { parseSecrets } from '../token/static-keys.js'
import { signDevelopmentToken } from '../token/development.js'
import { serviceOption, wholeNumber, type CliCommand } from './command.js'
import { requestTimeoutMs, urlOf, type Io } from './io.js'

export const tokenCommand: CliCommand = {
  name: 'token',
  help: 'print a token for trials: signed with $JWT_SECRET, or else from a development service',
  options: [
    { flags: '--sub <subject>', help: 'its subject' },
    { flags: '--sid <session>', help: 'its session' },
    { flags: '--lifetime <seconds>', help: 'how long it is valid', parse: wholeNumber },
    serviceOption,
  ],
  run: printToken,
}

type Options = { sub?: string; sid?: string; lifetime?: number; url?: string }

async function printToken(io: Io, options: Options): Promise<number> {
  const faults = createFaults()
  const text = readSecret(io.env, 'JWT_SECRET', faults)
  const secret = optional(secrets, text, faults.of('JWT_SECRET'))?.keys[0]
  optional(issuerName, io.env['JWT_ISSUER'] || undefined, faults.of('JWT_ISSUER'))
  if (faults.lines().length > 0) throw new Error(faults.lines().join('\n'))
  if (secret === undefined && (options.sub ?? options.sid ?? options.lifetime) !== undefined) {
    throw new Error(
      '--sub, --sid and --lifetime need a JWT_SECRET to sign with: a development service makes its tokens itself',
    )
  }
  io.stdout.write(
    `${secret === undefined ? await requestToken(urlOf(io, options)) : await sign(io, secret, options)}\n`,
  )
  return 0
}

function sign({ env }: Io, secret: SecretKey, { sub, sid, lifetime }: Options): Promise<string> {
  const { alg = listOf(env, 'JWT_ALGORITHMS')?.find(isOfSecret) } = secret
  return signDevelopmentToken(
    { secret, alg, typ: env['JWT_TYP'] || undefined, nowMs: Date.now() },
    {
      issuer: env['JWT_ISSUER'] || undefined,
      issuerValues: listOf(env, 'JWT_ISSUER_VALUES'),
      audience: listOf(env, 'JWT_AUDIENCE')?.[0],
      subject: sub,
      sid,
      subjectClaim: env['JWT_SUBJECT_CLAIM'] || undefined,
      sessionClaim: listOf(env, 'JWT_SESSION_CLAIM')?.[0],
      lifetimeS: lifetime,
    },
  )
}

const secrets = parsedBy(parseSecrets)
const issuerName = parsedBy((text) => parseIssuerName(text))

const listOf = (env: Io['env'], name: string) =>
  texts.fromText(env[name] ?? '') as string[] | undefined

async function requestToken(url: string): Promise<string> {
  const { status, text } = await requestWithin(
    requestTimeoutMs,
    new URL('/docs/token', url),
    { method: 'POST' },
    async (answer) => ({ status: answer.status, text: await textOf(answer) }),
  ).catch((cause: unknown) => {
    throw new Error(`no JWT_SECRET is set, and no service answers at ${url}`, { cause })
  })
  if (status !== 200)
    throw new Error(
      `no JWT_SECRET is set, and the service at ${url} has keys of its own: ask its issuer for a token`,
    )
  return (JSON.parse(text) as { token: string }).token
}
