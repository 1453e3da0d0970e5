import { expect } from 'chai'
import { nameClaims, standardMapping, type ClaimMapping } from '../../src/token/claim-mapping.js'

const named = (claims: object, mapping: Partial<ClaimMapping> = {}) =>
  nameClaims(claims as Record<string, unknown>, { ...standardMapping, ...mapping })

describe('the claims that name a token', () => {
  it('are the token’s own where its issuer uses sid, sub and aud', () => {
    const claims = { sub: 'alice', sid: 'one', aud: 'api' }
    expect(named(claims)).to.equal(claims)
    expect(named(claims, { audienceClaim: ['client_id'] })).to.equal(claims)
  })

  it('name the session by the first claim that is there; sid alone does not count', () => {
    const sessionClaim = ['session_id', 'session_state']
    for (const session_id of [undefined, null, '', {}, true])
      expect(named({ session_id, session_state: 's', sid: 'x' }, { sessionClaim })).to.include({
        sid: 's',
      })
    expect(named({ session_id: 7, session_state: 's' }, { sessionClaim }).sid).to.equal(7)
    expect(named({ sid: 'x' }, { sessionClaim })['sid']).to.equal(undefined)
    expect(named({ session_id: {}, sid: 'x' }, { sessionClaim })['sid']).to.deep.equal({})
  })

  it('name the subject by one claim, and never by sub in its place', () => {
    expect(named({ oid: 'o', sub: 's' }, { subjectClaim: 'oid' })['sub']).to.equal('o')
    expect(named({ sub: 's' }, { subjectClaim: 'oid' })['sub']).to.equal(undefined)
  })

  it('name the audience by another claim only where there is no aud', () => {
    const audienceClaim = ['client_id', 'azp']
    const audOf = (claims: object) => named(claims, { audienceClaim })['aud']
    expect(audOf({ aud: 'api', client_id: 'app' })).to.equal('api')
    expect(audOf({ client_id: 'app', azp: 'web' })).to.equal('app')
    expect(audOf({ azp: 'web' })).to.equal('web')
    for (const aud of [null, []]) expect(audOf({ aud, client_id: 'app' })).to.equal('app')
    expect(audOf({})).to.equal(undefined)
  })
})
