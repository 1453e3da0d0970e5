import { expect } from 'chai'
import { failureEvent, logLine, serialise, type RevocationEvent } from '../../src/audit/event.js'
import { ServiceError } from '../../src/errors.js'

const event: RevocationEvent = {
  event: 'authn_token_revoked',
  reason: 'logout',
  requester: { requestId: 'r', address: '192.0.2.77', userAgent: 'x'.repeat(300) },
  token: { named: { iss: 'i', sub: 7 } },
}

describe('an audit event', () => {
  it('as JSON: an absent value has no member, numbers are text, and long values are truncated', () => {
    const json = serialise({ ...event, outcome: 'success', keys: ['s:S'] }, 0, 'truncate')
    expect(JSON.parse(json)).to.deep.equal({
      time: '1970-01-01T00:00:00.000Z',
      event: 'authn_token_revoked',
      outcome: 'success',
      reason: 'logout',
      requestId: 'r',
      issuer: 'i',
      subject: '7',
      keys: ['s:S'],
      address: '192.0.2.0/24',
      userAgent: 'x'.repeat(256),
    })
    expect(JSON.parse(serialise({ ...event, outcome: 'success' }, 0, 'none'))).not.to.have.any.keys(
      'keys',
      'address',
      'client',
    )
  })

  it('is one line of the log', () => {
    const line = logLine('authz_fail', '{"a":1}', 0, ',"sampledOut":2')
    expect(line.indexOf('\n')).to.equal(line.length - 1)
    expect(JSON.parse(line)).to.deep.include({ audit: { a: 1 }, sampledOut: 2, msg: 'authz_fail' })
  })

  it('of a failure: unknown where the revocation may be stored, else refused', () => {
    const of = (error: unknown) => {
      const { event: name, outcome, reason } = failureEvent(event, error)
      return [name, outcome, reason]
    }
    const refusal = (reason: 'revoked' | 'subject_limit' | 'other_subject' | 'store') =>
      new ServiceError('invalid_token', { reason })
    expect(of(refusal('revoked'))).to.deep.equal(['authn_token_reuse', 'refused', 'revoked'])
    expect(of(refusal('other_subject'))).to.deep.equal(['authz_fail', 'refused', 'other_subject'])
    expect(of(refusal('subject_limit'))[0]).to.equal('excess_rate_limit_exceeded')
    expect(of(refusal('store'))).to.deep.equal(['authn_token_revoked', 'unknown', 'store'])
    expect(of(new Error('a defect'))).to.deep.equal(['authn_token_revoked', 'unknown', 'internal'])
  })
})
