import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { createRevocation, erase, introspect, postForm, revoke, verify } from '../support/asking.js'
import { asClient, clientsVariable } from '../support/clients.js'
import { contract, declaredOperations, faultsOf } from '../support/contract.js'
import { send, type Answer } from '../support/http.js'
import { startService, type TestService } from '../support/service.js'
import { nowS, token } from '../support/tokens.js'

const iss = 'https://issuer.test'

/** The values that the contract lists. */
const listed = (
  contract['components'] as { headers: { ErrorReason: { schema: { enum: string[] } } } }
).headers.ErrorReason.schema.enum

describe('X-Error-Reason to callers who are known', () => {
  let service: TestService
  before(async () => {
    service = await startService({
      CLIENTS: clientsVariable,
      JWT_ISSUER: iss,
      RATE_LIMIT_SUBJECT: '3/60',
    })
  })
  after(() => service.stop())

  const feed = (path: string) => service.send({ path, headers: asClient() })
  const revoked = async () => {
    const jwt = await token()
    await service.logout(jwt)
    return jwt
  }
  const nameless = async (claims: object) => {
    const jwt = await token({ ...claims })
    return service.logout(jwt, { token: jwt, scope: 'global' })
  }
  async function logoutsOfOneSubject() {
    const sub = randomUUID()
    const answers: Answer[] = []
    for (let at = 0; at < 4; at += 1) answers.push(await service.logout(await token({ sub })))
    return answers.at(-1) as Answer
  }
  type Request = readonly [operationId: string, request: () => Promise<Answer>]
  const producers: Record<string, readonly Request[]> = {
    revoked: [
      ['logout', async () => service.logout(await revoked())],
      ['verify', async () => verify(service, await revoked())],
    ],
    expired: [
      ['logout', async () => service.logout(await token({ exp: nowS(-5) }))],
      ['verify', async () => verify(service, await token({ exp: nowS(-5) }))],
    ],
    not_yet_valid: [
      ['logout', async () => service.logout(await token({ nbf: nowS(900) }))],
      ['verify', async () => verify(service, await token({ nbf: nowS(900) }))],
    ],
    other_holder: [['logout', async () => service.logout(await token(), { token: await token() })]],
    invalid_token: [
      ['logout', async () => service.logout(await token(), { token: 'nonsense' })],
      ['logout', async () => service.logout(await token(), { token: await token({}, 'HS512') })],
    ],
    no_token_in_body: [['logout', async () => service.logout(await token(), {})]],
    no_subject: [['logout', () => nameless({ sub: undefined })]],
    no_issued_at: [['logout', () => nameless({ iat: undefined })]],
    sender_constrained: [
      ['logout', () => nameless({ cnf: { jkt: 'x' } })],
      ['verify', async () => verify(service, await token({ cnf: { jkt: 'x' } }))],
    ],
    too_long: [
      ['introspect', () => introspect(service, 'x'.repeat(20_000))],
      ['revoke', () => revoke(service, 'x'.repeat(20_000))],
      [
        'createRevocation',
        () => createRevocation(service, { token: 'x'.repeat(20_000), reason: 'admin' }),
      ],
      ['logout', async () => service.logout(await token(), { token: 'x'.repeat(20_000) })],
    ],
    not_permitted: [
      ['eraseSubject', () => erase(service, { iss, sub: 'x' }, 'deaf')],
      ['introspect', () => introspect(service, 'x', 'powerless')],
    ],
    other_audience: [
      [
        'createRevocation',
        () => createRevocation(service, { iss, sub: 'x', reason: 'admin' }, 'narrow'),
      ],
      ['revoke', async () => revoke(service, await token(), 'narrow')],
    ],
    unknown_issuer: [
      [
        'createRevocation',
        () => createRevocation(service, { iss: 'https://b', sub: 'x', reason: 'admin' }),
      ],
      ['revoke', async () => revoke(service, await token({ iss: 'https://b' }))],
    ],
    unsupported_format: [['revoke', async () => revoke(service, await token({}, 'HS512'))]],
    invalid_member: [
      ['createRevocation', () => createRevocation(service, { token: 'x', reason: 'admin' })],
      ['introspect', () => postForm(service, '/oauth/introspect', {}, asClient())],
      ['followEvents', () => feed('/api/v1/revocations/events?version=3')],
    ],
    too_many_requests: [['logout', logoutsOfOneSubject]],
    unsupported_version: [
      ['getSnapshot', () => feed('/api/v1/revocations/snapshot?version=0')],
      ['getPosition', () => feed('/api/v1/revocations/position?version=0')],
      ['followEvents', () => feed('/api/v1/revocations/events?from=1-0.genesis&version=0')],
    ],
  }

  it('has a request for each value of the contract', () =>
    expect(Object.keys(producers).sort()).to.deep.equal([...listed].sort()))

  for (const [reason, requests] of Object.entries(producers))
    for (const [operationId, request] of requests)
      it(`${reason}: ${operationId}`, async () => {
        const answer = await request()
        expect(answer.status).to.be.within(400, 429)
        expect(answer.headers['x-error-reason']).to.equal(reason)
        expect(faultsOf(operationId, answer)).to.deep.equal([])
      })

  it('is declared for every status by which an operation refuses a known caller', () => {
    const undeclared = declaredOperations.flatMap(({ operationId, security = [], responses }) =>
      Object.entries(responses)
        .filter(([status]) => ['400', '403', '426'].includes(status) && security.length > 0)
        .filter(([, { headers = {} }]) => headers['X-Error-Reason'] === undefined)
        .map(([status]) => `${operationId} ${status}`),
    )
    expect(undeclared).to.deep.equal([])
  })

  it('is absent where the caller is not known', async () => {
    const { origin } = service
    for (const answer of [
      await service.logout('nonsense', { token: 'nonsense' }),
      await service.logout(await token({}, 'HS512'), { token: await token() }),
      await send(origin, { path: '/api/v1/revocations/events' }),
      await postForm(service, '/oauth/introspect', 'token=a&token=b'),
    ]) {
      expect(answer.status).to.be.within(400, 401)
      expect(answer.headers).not.to.include.keys('x-error-reason')
    }
  })
})
