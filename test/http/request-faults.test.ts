import { expect } from 'chai'
import { readContract } from '../../src/contract.js'
import type { RequestFault } from '../../src/errors.js'
import type { OperationTraits } from '../../src/operations/operation.js'
import { servedOperations, type ServedOperation } from '../../src/http/served-operations.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { startService, type TestService } from '../support/service.js'
import {
  revokeGlobally,
  transmitter,
  transmitterJwt,
  transmitterVariables,
} from '../support/transmitters.js'

type Sent = Readonly<{ query?: string; key?: string; body?: string; headers?: object }>

const { document } = readContract()
const noTraits = new Proxy({}, { get: (): OperationTraits => ({}) })
const described = [...servedOperations(document, noTraits as never).values()].filter(
  ({ hasDetails }) => hasDetails,
)
const methods = new Map(
  Object.values(document.paths).flatMap((item) =>
    Object.entries(item as Record<string, { operationId: string }>).map(
      ([method, { operationId }]) => [operationId, method.toUpperCase()] as const,
    ),
  ),
)
const isConstrained = (schema: object) => Object.keys(schema).some((name) => name !== 'type')

/** Requests that the contract forbids, made of the contract, and the paths that their answers name. */
function forbiddenRequests({ parameters, bodyForms }: ServedOperation): [Sent, string[]][] {
  const inQuery = parameters.filter(({ in: place }) => place === 'query')
  const wrongQueries = inQuery
    .filter(({ schema }) => schema.type === 'integer' || isConstrained(schema))
    .map(({ name }): [Sent, string[]] => [{ query: `${name}=` }, [`query.${name}`]])
  const [{ name: one = '' } = {}] = inQuery
  const unknown: [Sent, string[]][] = one === '' ? [] : [[{ query: 'secret=1' }, ['query']]]
  const inPath = parameters
    .filter(({ in: place }) => place === 'path')
    .map(({ name }): [Sent, string[]] => [{ key: 'secret' }, [`path.${name}`]])
  const inHeader = parameters
    .filter(({ in: place, schema }) => place === 'header' && isConstrained(schema))
    .map(({ name }): [Sent, string[]] => [{ headers: { [name]: 'secret' } }, [`header.${name}`]])
  return [...wrongQueries, ...unknown, ...inPath, ...inHeader, ...bodiesOf(bodyForms)]
}

function bodiesOf(forms: ServedOperation['bodyForms']): [Sent, string[]][] {
  if (forms.length === 0) return []
  const unreadable = ['secret', '"secret"', '["secret"]', 'null'].map((body): [Sent, string[]] => [
    { body },
    ['body'],
  ])
  const [form] = forms.length === 1 ? forms : [undefined]
  const missing = form?.required.map((name) => `body.${name}`) ?? ['body']
  const empty = ['', '{}'].map((body): [Sent, string[]] => [{ body }, missing])
  const all = Object.fromEntries(forms.map(({ required: [name = ''] }) => [name, 'secret']))
  const several: [Sent, string[]][] =
    forms.length === 1 ? [] : [[{ body: JSON.stringify(all) }, ['body']]]
  const ofForms = forms.flatMap(({ required, properties }) => {
    const [first = ''] = required
    const others = required.filter((name) => name !== first).map((name) => `body.${name}`)
    const wrong = Object.keys(properties).map((name): [Sent, string[]] => [
      { body: JSON.stringify({ [first]: [], [name]: [] }) },
      [...others.filter((path) => path !== `body.${name}`), `body.${name}`, `body.${first}`],
    ])
    const foreign: [Sent, string[]] = [
      { body: JSON.stringify({ [first]: [], secret: 1 }) },
      ['body', ...others, `body.${first}`],
    ]
    return [...wrong, foreign]
  })
  return [...unreadable, ...empty, ...several, ...ofForms]
}

describe('what is wrong with a request of an operator or a machine client', () => {
  let service: TestService
  before(async () => {
    service = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUER: 'https://issuer.test',
      ...transmitterVariables(transmitter),
    })
  })
  after(() => service.stop())

  const credentialsOf = async (operationId: string) =>
    operationId === 'globalTokenRevocation'
      ? { authorization: `Bearer ${await transmitterJwt()}` }
      : asClient()

  it('operations that have `details`: those of operators and transmitters, and the feed', () =>
    expect(described.map(({ operationId }) => operationId).sort()).to.deep.equal([
      'createRevocation',
      'eraseSubject',
      'followEvents',
      'getPosition',
      'getRevocation',
      'getSnapshot',
      'globalTokenRevocation',
      'listAuditEvents',
    ]))

  for (const operation of described) {
    const { operationId, path, bodyForms } = operation
    it(`400 of ${operationId}: every way in which the contract forbids a request is named, and nothing repeated`, async () => {
      const requests = forbiddenRequests(operation)
      expect(requests.length).to.be.at.least(2)
      for (const [{ query, key = 't:AAAAAAAAAAAAAAAAAAAAAA', body, headers }, paths] of requests) {
        const sent = (credentials: object) =>
          service.send({
            method: methods.get(operationId)!,
            path: path.replace('{key}', key) + (query === undefined ? '' : `?${query}`),
            headers: {
              ...credentials,
              ...(bodyForms.length > 0 && { 'content-type': 'application/json' }),
              ...headers,
            },
            ...(body !== undefined && { body }),
          })
        const answer = await sent(await credentialsOf(operationId))
        const shown = `${query ?? ''} ${body ?? ''} ${answer.text}`
        expect([answer.status, answer.headers['x-error-reason']], shown).to.deep.equal([
          400,
          'invalid_member',
        ])
        const unknown = await sent({})
        expect([unknown.status, unknown.headers['x-error-reason']], shown).to.deep.equal([
          401,
          undefined,
        ])
        const { details = [] } = answer.json as { details?: readonly RequestFault[] }
        expect([...new Set(details.map((one) => one.path))].sort(), shown).to.deep.equal(
          [...new Set(paths)].sort(),
        )
        expect(answer.text).to.not.include('secret')
        for (const { rule } of details)
          expect(rule, shown).to.match(/^(must|is needed|there is|no )/)
      }
    })
  }

  it('400 of globalTokenRevocation: the wrong member of the subject identifier is named', async () => {
    const detailsOf = async (identifier: object) => {
      const answer = await revokeGlobally(service, await transmitterJwt(), { sub_id: identifier })
      expect([answer.status, answer.headers['x-error-reason']]).to.deep.equal([
        400,
        'invalid_member',
      ])
      return (answer.json as { details?: readonly RequestFault[] }).details
    }
    const textRule = 'must be a text that is not empty'
    const iss = 'https://issuer.test'
    const cases: [object, string, string][] = [
      [{}, 'format', 'is needed'],
      [{ format: 1 }, 'format', textRule],
      [{ format: 'iss_sub', sub: 'x' }, 'iss', 'is needed'],
      [{ format: 'iss_sub', iss, sub: '' }, 'sub', textRule],
      [{ format: 'iss_sub', iss, sub: 7 }, 'sub', textRule],
      [{ format: 'iss_sub', iss, sub: '\ud800' }, 'sub', 'is not valid'],
      [{ format: 'iss_sub', iss }, 'sub', 'is needed'],
      [{ format: 'opaque' }, 'id', 'is needed'],
    ]
    for (const [identifier, member, rule] of cases)
      expect(await detailsOf(identifier)).to.deep.equal([{ path: `body.sub_id.${member}`, rule }])
  })

  it('400 of followEvents without a position: it is needed, and the client is told so', async () => {
    const answer = await service.send({
      path: '/api/v1/revocations/events?version=3',
      headers: asClient(),
    })
    expect([answer.status, answer.headers['x-error-reason'], answer.json]).to.deep.equal([
      400,
      'invalid_member',
      {
        success: false,
        message: 'Solicitud inválida',
        details: [{ path: 'query.from', rule: 'is needed, unless there is a Last-Event-ID' }],
      },
    ])
  })
})
