import type { ServerResponse } from 'node:http'
import { expect } from 'chai'
import { ServiceError } from '../../src/errors.js'
import { createKeySet, secretKeySource, type KeyHeader } from '../../src/token/key-source.js'
import { remoteKeySource } from '../../src/token/remote-key-source.js'
import { serveApp, type TestApp } from '../support/embedded.js'
import { until } from '../support/processes.js'
import { ec, ed25519, hmacSecret } from '../support/tokens.js'

const alg = 'ES256'
const jwkOf = (kid: string) => ({
  ...ec[alg]!.publicKey.export({ format: 'jwk' }),
  kty: 'EC',
  kid,
})
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** How many keys a source gives, or why it gives none. */
const outcomeOf = (found: ReturnType<ReturnType<typeof remoteKeySource>['candidates']>) =>
  Promise.resolve(found).then(
    (keys) => keys.length,
    (error: unknown) => (error instanceof ServiceError ? error.code : 'broken'),
  )

describe('the look for a key in a key set whose answers are held', () => {
  const held: ServerResponse[] = []
  let requests = 0
  let issuer: TestApp
  before(async () => {
    issuer = await serveApp((_request, response) => {
      requests += 1
      held.push(response)
    })
  })
  after(() => issuer.stop())
  let nowMs = 0
  let source: ReturnType<typeof remoteKeySource>
  const begun = (count: number) => until(`fetch ${count}`, () => requests === count)
  const answer = (body: string) => held.shift()?.end(body)
  const answerKeys = (...kids: string[]) => answer(JSON.stringify({ keys: kids.map(jwkOf) }))
  const find = (kid?: string, waiter?: string) => outcomeOf(source.candidates(named(kid), waiter))
  const findAgain = (kid?: string, waiter?: string) =>
    outcomeOf(source.candidatesAfterBadSignature(named(kid), waiter))
  const named = (kid?: string): KeyHeader => ({ alg, kid })
  const load = async (...kids: string[]) => {
    answerKeys(...kids)
    await until('the set is loaded', () => source.isLoaded())
  }

  beforeEach(async () => {
    requests = 0
    nowMs = 1_000_000
    const uri = `${issuer.origin}/keys?secret=1`
    source = remoteKeySource({ uri, fixed: [], now: () => nowMs, log: silent })
    await begun(1)
  })
  afterEach(() => {
    source.close()
    for (const response of held.splice(0)) response.destroy()
  })

  it('a check waits for the fetch under way, and has what that brings', async () => {
    const [known, other] = [find('known'), find('other')]
    answerKeys('known')
    expect([await known, await other, requests]).to.deep.equal([1, 'keys_unavailable', 1])
  })

  it('what ends tokens waits for the next fetch, which begins when one may', async () => {
    const [known, later, never] = [find('known', 'a'), find('later', 'a'), find('never', 'a')]
    answerKeys('known')
    expect(await known).to.equal(1)
    nowMs += 5_000
    await begun(2)
    answerKeys('known', 'later')
    expect([await later, await never]).to.deep.equal([1, 0])
  })

  it('after a bad signature a young set is not fetched again, for a key of its own or without a name', async () => {
    await load('known')
    expect([await findAgain('known'), await findAgain('known', 'a')]).to.deep.equal([0, 0])
    expect([await findAgain(), requests]).to.deep.equal([0, 1])
  })

  it('after a bad signature an older set is fetched once; what ends tokens shares the fetch, a check fails at once', async () => {
    await load('known')
    nowMs += 30_000
    const first = findAgain('known')
    await begun(2)
    expect([await findAgain('known'), await findAgain()]).to.deep.equal([
      'keys_unavailable',
      'keys_unavailable',
    ])
    const shared = findAgain('known', 'a')
    answerKeys('known')
    expect([await first, await shared, requests]).to.deep.equal([1, 1, 2])
  })

  it('after a bad signature of a key that the set does not name, the next fetch decides', async () => {
    await load('known')
    expect(await findAgain('other')).to.equal('keys_unavailable')
    const [waiting, nameless] = [findAgain('other', 'a'), findAgain(undefined, 'a')]
    nowMs += 5_000
    await begun(2)
    answerKeys('known', 'other')
    expect([await waiting, await nameless]).to.deep.equal([1, 2])
    nowMs += 5_000
    const check = findAgain('third')
    await begun(3)
    answer('no JSON')
    expect(await check).to.equal('keys_unavailable')
  })

  it('no more than eight requests of one address wait, and a closed source ends their waits', async () => {
    await load('known')
    const waiting = Array.from({ length: 8 }, () => find('other', 'a'))
    expect(await find('other', 'a')).to.equal('keys_unavailable')
    source.close()
    expect(new Set(await Promise.all(waiting))).to.deep.equal(new Set(['keys_unavailable']))
  })

  it('asks for a key set, past every cache', () => {
    expect(held[0]?.req.headers).to.include({
      accept: 'application/jwk-set+json, application/json',
      'cache-control': 'no-cache',
    })
  })

  it('tells its address without the query, the last success, and the failures since the start', async () => {
    const told = {
      address: `${issuer.origin}/keys`,
      loadedAtMs: undefined,
      failures: 0,
      reason: undefined,
    }
    expect(source.fetched?.()).to.deep.equal(told)
    expect(source.metadata).to.equal(undefined)
    for (const failures of [1, 2]) {
      answer('no JSON')
      await until('it is told', () => source.fetched?.().failures === failures)
      expect(source.fetched?.()).to.deep.equal({ ...told, failures, reason: 'answered no JSON' })
      nowMs += 5_000
      await begun(failures + 1)
    }
    await load('known')
    expect(source.fetched?.()).to.deep.equal({ ...told, loadedAtMs: nowMs, failures: 2 })
    nowMs += 300_000
    await begun(4)
    source.close()
    expect(await find('other')).to.equal('keys_unavailable')
    expect(source.fetched?.().failures, 'closing is no failure').to.equal(2)
  })
})

describe('keys that are given', () => {
  it('a shared secret verifies for its own alg and kid alone, without them for every one', async () => {
    const bytes = Buffer.from(hmacSecret)
    const source = secretKeySource(
      [{ bytes, alg: 'HS512', kid: 'a' }, { bytes, kid: 'b' }, { bytes }],
      ['HS256', 'HS512'],
    )
    const count = async (header: KeyHeader) => (await source.candidates(header)).length
    const headers = [
      ...[{ alg: 'HS512' }, { alg: 'HS256' }, { alg: 'HS384' }],
      ...['a', 'b', 'c'].map((kid) => ({ alg: 'HS512', kid })),
    ]
    expect(await Promise.all(headers.map(count))).to.deep.equal([3, 2, 0, 2, 2, 1])
    expect([source.isLoaded(), source.generation()]).to.deep.equal([true, 0])
  })

  it('an Ed25519 key has two names of one algorithm, and may be declared for either (RFC 9864)', async () => {
    const jwk = { ...ed25519.publicKey.export({ format: 'jwk' }), kty: 'OKP' }
    for (const declared of [undefined, 'EdDSA', 'Ed25519']) {
      const keys = createKeySet([{ ...jwk, ...(declared !== undefined && { alg: declared }) }])
      for (const [alg, count] of [
        ['EdDSA', 1],
        ['Ed25519', 1],
        ['ES256', 0],
      ] as const)
        expect(await keys.candidates({ alg }), `${declared} ${alg}`).to.have.length(count)
    }
    expect(
      await createKeySet([{ ...jwk, alg: 'ES256' }]).candidates({ alg: 'EdDSA' }),
    ).to.have.length(0)
  })

  it('a set has the key that a token names; without any kid it may be every key, in an empty set none', () => {
    const jwk = ec[alg]!.publicKey.export({ format: 'jwk' })
    const hasNamed = (kids: (string | undefined)[], kid?: string) =>
      createKeySet(
        kids.map((one) => ({ ...jwk, kty: 'EC', ...(one !== undefined && { kid: one }) })),
      ).hasNamed({ alg, kid })
    expect([
      ...[hasNamed([]), hasNamed([], 'a')],
      ...[hasNamed([undefined]), hasNamed([undefined], 'a')],
      ...[hasNamed(['a']), hasNamed(['a'], 'a'), hasNamed(['a', undefined], 'b')],
    ]).to.deep.equal([false, false, true, true, false, true, false])
  })
})
