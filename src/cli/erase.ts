import type { components } from '../../generated/openapi.js'
import { clientOption, issuerOptions, serviceOption, type CliCommand } from './command.js'
import type { Io } from './io.js'
import { Refused, serviceRequests, type ServiceOptions } from './service-request.js'

export const eraseCommand: CliCommand = {
  name: 'erase',
  help: 'delete the audit events that name a person; revocations stay; there is no undo',
  options: [
    ...issuerOptions,
    { flags: '--sub <subject>', help: 'the person, as the tokens have it', isRequired: true },
    serviceOption,
    clientOption,
  ],
  run: erase,
}

type Options = ServiceOptions & {
  /** `false`: `--no-iss`. */
  iss?: string | false
  sub: string
}

/** The service reads the whole trail before it answers: about 10 s for a million events. */
const erasureTimeoutMs = 280_000

async function erase(io: Io, options: Options): Promise<number> {
  const { iss, sub } = options
  if (iss === undefined)
    throw new Error('--iss is needed, or --no-iss where the tokens have no iss')
  const send = serviceRequests(io, options, 'erase')
  try {
    const { body } = await send<components['schemas']['Erasure']>({
      path: '/api/v1/audit/erasures',
      body: { iss: iss === false ? null : iss, sub },
      expected: 'erased',
      timeoutMs: erasureTimeoutMs,
    })
    const hint = body.erased === 0 ? ': none names this subject of this issuer' : ''
    io.stdout.write(`erased ${body.erased} audit events${hint}\n`)
    return 0
  } catch (error) {
    const { message } = error as Error
    const isRefused = error instanceof Refused
    io.stderr.write(isRefused ? `refused: ${message}\n` : `unknown: ${message}; repeat\n`)
    return isRefused ? 1 : 2
  }
}
