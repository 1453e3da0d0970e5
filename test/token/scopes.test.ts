import { expect } from 'chai'
import fc from 'fast-check'
import { scopesOf, scopeText } from '../../src/token/scopes.js'

describe('the scopes of a token', () => {
  for (const [claims, text] of [
    [{ scope: 'read write' }, 'read write'],
    [{ scope: ['read', 'write'] }, 'read write'],
    [{ scp: 'read write' }, 'read write'],
    [{ scp: ['read', 'write'] }, 'read write'],
    [{ scope: 'write', scp: ['read', 'write'] }, 'write read'],
    [{ scope: ['read write', 'admin'], scp: '' }, 'read write admin'],
    [{ scope: '  read   write ' }, 'read write'],
    [{ scope: ['read', 7, null, ['admin'], { admin: 1 }] }, 'read'],
    [{ scope: 'a\tb' }, 'a\tb'],
    [{ scope: '' }, undefined],
    [{ scope: [] }, undefined],
    [{ scope: 7, scp: { 0: 'admin', length: 1 } }, undefined],
    [{ scopes: 'admin', roles: ['admin'] }, undefined],
    [{}, undefined],
  ] as [object, string | undefined][])
    it(`${JSON.stringify(claims)} are ${text ?? 'none'}`, () =>
      expect(scopeText({ ...claims })).to.equal(text))

  it('property: the same scopes, however the issuer writes them; those of `scope` come first', () => {
    const scope = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,8}$/)
    const scopes = fc.uniqueArray(scope, { maxLength: 5 })
    const written = (all: string[]) => fc.constantFrom<unknown>(all, all.join(' '), [all.join(' ')])
    fc.assert(
      fc.property(
        fc
          .tuple(scopes, scopes)
          .chain(([first, second]) =>
            fc.tuple(fc.constant([...first, ...second]), written(first), written(second)),
          ),
        ([all, scope, scp]) => {
          const found = scopesOf({ scope, scp })
          expect(found).to.deep.equal([...new Set(all)])
          expect(scopeText({ scope, scp })?.split(' ') ?? []).to.deep.equal(found)
        },
      ),
    )
  })

  it('property: any JSON in both claims gives scopes without blanks, or none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (scope, scp) => {
        for (const one of scopesOf({ scope, scp })) expect(one).to.match(/^[^ ]+$/)
      }),
    )
  })
})
