import { expect } from 'chai'
import fc from 'fast-check'
import { parseBasic } from '../../../src/access/authorization/basic.js'
import { clientCredentials } from '../../../src/access/authorization/client-credentials.js'
import { basicAuthorization } from '../../../src/runtime/basic-authorization.js'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

describe('the credentials of a machine client', () => {
  it('are read from HTTP Basic, where id and secret are form-encoded (RFC 6749 §2.3.1)', () => {
    expect(parseBasic(basic('a%20b:c%3Ad+e'))).to.deep.equal({ id: 'a b', secret: 'c:d e' })
    expect(parseBasic(basic('id:'))).to.deep.equal({ id: 'id', secret: '' })
    const own = basicAuthorization({ clientId: 'ü:1', clientSecret: '% +' })
    expect(parseBasic(own)).to.deep.equal({ id: 'ü:1', secret: '% +' })
  })

  it('are absent where they cannot be read', () => {
    for (const line of ['Bearer x', 'Basic', 'Basic !', basic('no colon'), basic('id:%')])
      expect(parseBasic(line), line).to.equal(undefined)
  })

  it('are read from the form; 400 when they come twice', () => {
    const form = { client_id: 'id', client_secret: 'secret' }
    expect(clientCredentials([], form)).to.deep.equal({ id: 'id', secret: 'secret' })
    expect(clientCredentials([], { client_id: 'id' })).to.equal(undefined)
    expect(() => clientCredentials([basic('a:b')], form)).to.throw('two_credentials')
    expect(() => clientCredentials([basic('id:secret')], form)).to.throw('two_credentials')
    expect(() => clientCredentials([basic('id:x')], { client_secret: 'x' })).to.throw(
      'two_credentials',
    )
    expect(() => clientCredentials([basic('a:b'), basic('a:b')])).to.throw('two_credentials')
  })
  it('property: 400 for a client_id beside Basic, unless it is the same; without a value it is left out', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(id, fc.oneof(id, fc.constant('')), fc.boolean(), (own, other, isSame) => {
        const line = basic(`${encodeURIComponent(own)}:secret`)
        const named = isSame ? own : other
        const read = () => clientCredentials([line], { client_id: named, client_secret: '' })
        if (named === own || named === '')
          expect(read()).to.deep.equal({ id: own, secret: 'secret' })
        else expect(read).to.throw('two_credentials')
      }),
    )
  })
})
