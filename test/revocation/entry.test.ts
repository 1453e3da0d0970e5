import { expect } from 'chai'
import { covers, parseValue, type Entry } from '../../src/revocation/entry.js'
import { ForeignValue } from '../../src/revocation/store-errors.js'

describe('an entry that the store holds', () => {
  const session = (untilMs: number | null): Entry => ({ key: 's:S', untilMs })
  const subject = (cutoff: number): Entry => ({ key: 'u:U', untilMs: null, cutoff })

  it('makes another one unnecessary when it expires as late, or within a second before', () => {
    for (const [heldMs, untilMs, isEnough] of [
      [null, null, true],
      [null, 50_000, true],
      [50_000, null, false],
      [60_000, 50_000, true],
      [50_000, 50_000, true],
      [49_000, 50_000, true],
      [48_999, 50_000, false],
    ] as const)
      expect(covers(session(heldMs), session(untilMs)), `${heldMs}, ${untilMs}`).to.equal(isEnough)
    expect(covers(undefined, session(50_000))).to.equal(false)
  })

  it('has to have a cutoff as late, too', () => {
    expect(covers(subject(100), subject(100))).to.equal(true)
    expect(covers(subject(99), subject(100))).to.equal(false)
    expect(covers(subject(101), subject(100))).to.equal(true)
  })
})

describe('the text under a key', () => {
  it('is a value of at most 16 digits', () => {
    expect(parseValue('k', '1')).to.equal(1)
    expect(parseValue('k', '1795740879')).to.equal(1_795_740_879)
    expect(parseValue('k', '9007199254740991')).to.equal(Number.MAX_SAFE_INTEGER)
  })

  it('is an error that names the key when cierre did not write it', () => {
    for (const text of [
      undefined,
      '',
      'x',
      'x1',
      '1x',
      '-1',
      '1.5',
      ' 1',
      '1\n',
      '12345678901234567',
    ])
      expect(() => parseValue('cierre:{c}:s:S', text), text)
        .to.throw(ForeignValue)
        .with.property('message')
        .that.includes('cierre:{c}:s:S')
  })
})
