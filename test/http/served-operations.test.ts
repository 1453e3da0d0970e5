import { expect } from 'chai'
import { documentedOperations, readContract } from '../../src/contract.js'
import { createPathForms, servedOperations } from '../../src/http/served-operations.js'
import type { Operations } from '../../src/operations/operation.js'

const { document } = readContract()
const operations = Object.fromEntries(
  documentedOperations(document).map(({ operationId }) => [operationId, async () => undefined]),
) as unknown as Operations

describe('the operations as HTTP serves them', () => {
  const served = servedOperations(document, operations)
  const idsWhere = (is: (operation: { failureForm: string; outcomeUnknown: string }) => boolean) =>
    [...served.values()].filter(is).map(({ operationId }) => operationId)

  it('are those of the contract', () =>
    expect([...served.keys()]).to.deep.equal(
      documentedOperations(document).map(({ operationId }) => operationId),
    ))

  it('have the failure form of their 404', () =>
    expect(idsWhere(({ failureForm }) => failureForm === 'oauth')).to.deep.equal([
      'backchannelLogout',
      'introspect',
      'revoke',
    ]))

  it('answer an unknown outcome with the 500 or 503 that they declare', () =>
    expect(idsWhere(({ outcomeUnknown }) => outcomeUnknown === 'internal_error')).to.deep.equal([
      'logout',
    ]))

  it('have the traits of the operation, and no others', () =>
    expect(served.get('logout')).to.include({
      limitedByAddress: false,
      refuseBody: undefined,
    }))

  const formOf = createPathForms(served.values())
  for (const [path, form] of [
    ['/oauth/introspect/', 'oauth'],
    ['/oauth/unknown', 'oauth'],
    ['/oauth/', 'oauth'],
    ['/oauth', 'envelope'],
    ['/api/v1/auth/backchannel-logout/', 'oauth'],
    ['/api/v1/auth/logout/', 'envelope'],
    ['/api/v1/auth/unknown', 'envelope'],
    ['/.well-known/oauth-authorization-server/', 'envelope'],
    ['/nowhere', 'envelope'],
    ['', 'envelope'],
  ] as const) {
    it(`a failure of ${path || 'a request without a path'} has the form ${form}`, () =>
      expect(formOf(path)).to.equal(form))
  }
})
