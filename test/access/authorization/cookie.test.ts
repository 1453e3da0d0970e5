import { expect } from 'chai'
import { cookieToken } from '../../../src/access/authorization/cookie.js'
import { ServiceError } from '../../../src/errors.js'

const [app, other] = ['https://app.example.com', 'https://other.example.com']
const rule = { name: 'token', origins: [app] }
const from = (cookie: string | undefined, origin: string | undefined = app) =>
  cookieToken(rule, { cookie, origin })

describe('the token of a cookie', () => {
  it('is the value of the one cookie of exactly that name', () => {
    for (const cookie of [
      'token=a.b.c',
      'sid=1; token=a.b.c',
      'token=a.b.c;sid=1',
      ' token=a.b.c ',
    ])
      expect(from(cookie), cookie).to.equal('a.b.c')
    expect(from('token=a=b')).to.equal('a=b')
    expect(from('token=')).to.equal('')
    for (const cookie of [undefined, '', 'Token=a', 'xtoken=a', 'token2=a', 'token', 'x=token=a'])
      expect(from(cookie), cookie).to.equal(undefined)
  })

  it('does not count with another Origin, with none, with null, or with two', () => {
    for (const origin of [other, 'null', '', `${app}, ${app}`, `${app}/`, app.toUpperCase()])
      expect(from('token=a', origin), origin).to.equal(undefined)
    expect(cookieToken(rule, { cookie: 'token=a', origin: undefined })).to.equal(undefined)
  })

  it('two cookies of that name are refused, even equal ones', () => {
    for (const cookie of ['token=a; token=b', 'token=a; sid=1; token=a'])
      expect(() => from(cookie))
        .to.throw(ServiceError)
        .that.includes({ code: 'invalid_token', reason: 'two_credentials' })
    expect(from('token=a; token=b', other)).to.equal(undefined)
  })
})
