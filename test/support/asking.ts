import type { Answer } from './http.js'
import type { TestService } from './service.js'
import { asClient, type ClientName } from './clients.js'

const formHeaders = { 'content-type': 'application/x-www-form-urlencoded' }

export const postForm = (
  service: TestService,
  path: string,
  form: Record<string, string> | string,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  service.send({
    method: 'POST',
    path,
    headers: { ...formHeaders, ...headers },
    body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
  })

export const introspect = (service: TestService, jwt: string, client: ClientName = 'all') =>
  postForm(service, '/oauth/introspect', { token: jwt }, asClient(client))
export const revoke = (service: TestService, jwt: string, client: ClientName = 'all') =>
  postForm(service, '/oauth/revoke', { token: jwt }, asClient(client))
export const verify = (service: TestService, jwt: string) =>
  service.send({ path: '/api/v1/auth/verify', headers: { authorization: `Bearer ${jwt}` } })
export const createRevocation = (service: TestService, body: unknown, client: ClientName = 'all') =>
  service.send({
    method: 'POST',
    path: '/api/v1/revocations',
    headers: { 'content-type': 'application/json', ...asClient(client) },
    body: JSON.stringify(body),
  })
export const getRevocation = (service: TestService, key: string) =>
  service.send({ path: `/api/v1/revocations/${key}`, headers: asClient() })
export const auditEvents = (service: TestService, query = '') =>
  service.send({ path: `/api/v1/audit/events${query}`, headers: asClient() })
export const erase = (
  service: TestService,
  name: { iss: string | null; sub: string },
  client: ClientName = 'all',
) =>
  service.send({
    method: 'POST',
    path: '/api/v1/audit/erasures',
    headers: { 'content-type': 'application/json', ...asClient(client) },
    body: JSON.stringify(name),
  })
export const backchannel = (service: TestService, jwt: string) =>
  postForm(service, '/api/v1/auth/backchannel-logout', { logout_token: jwt })
