/** The closed list of what can go wrong, with the status and the message that the caller sees. */
export const failures = {
  bad_request: { status: 400, message: 'Solicitud inválida' },
  unsupported_token_type: { status: 400, message: 'Solicitud inválida' },
  token_missing: { status: 401, message: 'Token no proporcionado o inválido' },
  invalid_token: { status: 401, message: 'Token no proporcionado o inválido' },
  invalid_client: { status: 401, message: 'Cliente no autenticado' },
  not_permitted: { status: 403, message: 'Operación no permitida' },
  token_expired: { status: 403, message: 'El token ha expirado' },
  not_found: { status: 404, message: 'Recurso no encontrado' },
  method_not_allowed: { status: 405, message: 'Método no permitido' },
  request_timeout: { status: 408, message: 'Tiempo de espera agotado' },
  body_too_large: { status: 413, message: 'Cuerpo de la solicitud demasiado grande' },
  unsupported_media_type: { status: 415, message: 'Tipo de contenido no admitido' },
  upgrade_required: { status: 426, message: 'Versión del feed no admitida' },
  too_many_requests: { status: 429, message: 'Demasiadas solicitudes' },
  headers_too_large: { status: 431, message: 'Cabeceras de la solicitud demasiado grandes' },
  internal_error: { status: 500, message: 'Error interno del servidor' },
  unsupported_transfer_coding: {
    status: 501,
    message: 'Codificación de transferencia no admitida',
  },
  store_unavailable: { status: 503, message: 'Servicio no disponible temporalmente' },
  session_store_unavailable: { status: 503, message: 'Servicio no disponible temporalmente' },
  feed_unavailable: { status: 503, message: 'Servicio no disponible temporalmente' },
  keys_unavailable: { status: 503, message: 'Servicio no disponible temporalmente' },
} as const

export type FailureCode = keyof typeof failures

/** Why a request is refused or fails. */
export type Cause =
  | 'no_credentials'
  | 'two_credentials'
  | 'spelling'
  | 'too_long'
  | 'sender_constrained'
  | 'not_json'
  | 'unknown_issuer'
  | 'algorithm'
  | 'header'
  | 'unknown_key'
  | 'signature'
  | 'typ'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'not_yet_valid'
  | 'issued_ahead'
  | 'no_exp'
  | 'no_iat'
  | 'no_jti'
  | 'no_event'
  | 'no_backchannel'
  | 'nonce'
  | 'too_old'
  | 'lives_too_long'
  | 'subject'
  | 'repeated'
  | 'not_in_scope'
  | 'subject_format'
  | 'revoked'
  | 'expired'
  | 'body'
  | 'no_token_in_body'
  | 'other_subject'
  | 'no_subject'
  | 'no_issued_at'
  | 'invalid_member'
  | 'unconfigured_issuer'
  | 'subject_limit'
  | 'address_limit'
  | 'client'
  | 'permission'
  | 'other_audience'
  | 'logout_token'
  | 'store'
  | 'sessions'
  | 'keys'
  | 'feed'
  | 'feed_limit'
  | 'feed_version'
  | 'internal'

/**
 * The reason of a failure, for the audit trail and the log: one word of this list, never a text
 * from outside. That of a refused logout token has its cause behind `logout_token_`, that of a client
 * assertion behind `client_assertion_`, that of a transmitter's JWT behind `global_token_revocation_`.
 */
export type Reason =
  Cause | `${'logout_token' | 'client_assertion' | 'global_token_revocation'}_${Cause}`

/**
 * The value of the header `X-Error-Reason`, by reason. Each of these reasons is thrown only after
 * the caller's token was verified, or after a machine client has authenticated itself.
 */
const errorReasons: Partial<Record<Reason, string>> = {
  revoked: 'revoked',
  expired: 'expired',
  other_subject: 'other_holder',
  no_subject: 'no_subject',
  no_token_in_body: 'no_token_in_body',
  no_issued_at: 'no_issued_at',
  invalid_member: 'invalid_member',
  unconfigured_issuer: 'unknown_issuer',
  subject_format: 'unsupported_format',
  sender_constrained: 'sender_constrained',
  permission: 'not_permitted',
  other_audience: 'other_audience',
  not_yet_valid: 'not_yet_valid',
  subject_limit: 'too_many_requests',
  feed_limit: 'too_many_requests',
  feed_version: 'unsupported_version',
}

/**
 * The value of the header where a machine client asks for a revocation of a token that the service
 * cannot revoke.
 */
const unsupportedReasons: Partial<Record<Reason, string>> = {
  unknown_issuer: 'unknown_issuer',
  issuer: 'unknown_issuer',
  audience: 'other_audience',
  typ: 'unsupported_format',
  algorithm: 'unsupported_format',
  header: 'unsupported_format',
  no_exp: 'unsupported_format',
}

/**
 * Whether another API may accept a token that is refused for this reason: the service can neither
 * revoke such a token nor report it as revoked.
 */
export const isUnsupported = (reason: Reason | undefined): reason is Reason =>
  reason !== undefined && unsupportedReasons[reason] !== undefined

/** What the caller may know of the reason of a failure, as a word of the contract's closed list. */
export const errorReasonOf = ({ code, reason }: ServiceError): string | undefined =>
  reason && (code === 'unsupported_token_type' ? unsupportedReasons : errorReasons)[reason]

/**
 * A wrong part of a request: `path.`, `query.`, `header.` or `body.` and its name in the contract, the rule that it
 * breaks, and the values that it may have, where these can be listed.
 */
export type RequestFault = Readonly<{ path: string; rule: string; values?: readonly string[] }>

/** A failure of the closed list, which a caller gets as an answer. `cause` is for the log. */
export class ServiceError extends Error {
  readonly code: FailureCode
  readonly reason: Reason | undefined
  /** Answer headers that belong to this failure, such as `Allow` or `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>
  /** What is wrong with the request, for answers that have the member `details`. */
  readonly details: readonly RequestFault[] | undefined

  constructor(
    code: FailureCode,
    details: {
      cause?: unknown
      reason?: Reason
      headers?: Record<string, string>
      details?: readonly RequestFault[]
    } = {},
  ) {
    super(details.reason === undefined ? code : `${code} (${details.reason})`, {
      cause: details.cause,
    })
    this.name = 'ServiceError'
    this.code = code
    this.reason = details.reason
    this.headers = details.headers ?? {}
    this.details = details.details
  }
  /** The same failure with further answer headers. */
  with(headers: Readonly<Record<string, string>>): ServiceError {
    const { code, reason, cause, details } = this
    return new ServiceError(code, {
      cause,
      ...(reason !== undefined && { reason }),
      ...(details !== undefined && { details }),
      headers: { ...this.headers, ...headers },
    })
  }
}

/**
 * A token that is too long to be checked, as a caller is told whose own token is genuine, or who is
 * a machine client. Another API may accept that token.
 */
export const tooLong = (
  code: 'bad_request' | 'invalid_token',
  details?: readonly RequestFault[],
): ServiceError =>
  new ServiceError(code, {
    reason: 'too_long',
    headers: { 'X-Error-Reason': 'too_long' },
    ...(details && { details }),
  })

export const isTooLong = (error: unknown): boolean =>
  error instanceof ServiceError && error.reason === 'too_long'
