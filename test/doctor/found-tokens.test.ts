import { expect } from 'chai'
import { tokensOf } from '../../src/doctor/found-tokens.js'

const jwt = (name: string) =>
  `${['{"alg":"HS256"}', `{"sub":"${name}"}`].map((part) => Buffer.from(part).toString('base64url')).join('.')}.c2ln`
const [one, two] = [jwt('one'), jwt('two')]
const nowhere = { token: undefined, refreshToken: undefined }
const found = (body: unknown, headers?: Record<string, string>, places = {}) =>
  tokensOf(
    typeof body === 'string' ? body : JSON.stringify(body),
    headers && new Headers(headers),
    { ...nowhere, ...places },
  )

describe('the tokens in the answer of a login', () => {
  it('by their usual names, at any depth; other JWTs are siblings', () => {
    expect(found({ data: { refresh_token: 'r', access_token: one }, id_token: two })).to.deep.equal(
      {
        token: one,
        refreshToken: 'r',
        others: [two],
      },
    )
  })

  it('a text alone, in a cookie, in a header field', () => {
    expect(found(`${one}\n`).token).to.equal(one)
    expect(found('opaque\n').token).to.equal('opaque')
    expect(found('<p>hello you</p>', { 'set-cookie': `sid=${one}; HttpOnly` }).token).to.equal(one)
    expect(found('', { authorization: `Bearer ${one}` }).token).to.equal(one)
  })

  it('where the configuration says', () => {
    const places = { token: 'cookie:b', refreshToken: 'deep.r' }
    expect(
      found({ token: one, deep: { r: 'opaque' } }, { 'set-cookie': `b=${two}` }, places),
    ).to.deep.equal({ token: two, refreshToken: 'opaque', others: [one] })
  })

  it('none, or one of several: an error that lists the places, and no token', () => {
    expect(() => found({ a: 'x' })).to.throw(
      'answered no token: `token` may say where it stands, at a',
    )
    const several = () => found({ a: one, b: { c: two } })
    expect(several).to.throw('several tokens: `token` must say which, at a, b.c')
    expect(several).not.to.throw(one)
    expect(() => found({ a: one }, undefined, { token: 'b' })).to.throw('nothing at b, but at a')
  })
})
