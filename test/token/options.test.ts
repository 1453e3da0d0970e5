import { expect } from 'chai'
import {
  createFaults,
  eachParsedBy,
  number,
  oneOf,
  readObject,
  text,
  texts,
  wholeNumber,
  type Option,
} from '../../src/token/options.js'

const upperCase = (given: string) => {
  if (given === 'bad') throw new Error('has a bad item')
  return given.toUpperCase()
}

/** What an option makes of a text or of a value: the result, or the fault. */
const read = <T>({ check }: Option<T>, value: unknown) => {
  const faults: string[] = []
  const result = check(value, (what, member = '') => void faults.push(`${member}${what}`))
  return faults.length > 0 ? faults.join('; ') : result
}
const readText = <T>(option: Option<T>, given: string) => read(option, option.fromText(given))

describe('options', () => {
  it('a text of the environment and a value of a program give the same result', () => {
    const cases: [Option<unknown>, string, unknown, unknown][] = [
      [wholeNumber(0, 10), '7', 7, 7],
      [wholeNumber(0, 10), '11', 11, 'must be a whole number from 0 to 10'],
      [wholeNumber(0, 10), '0', 0, 0],
      [wholeNumber(0, 10), '10', 10, 10],
      [number(1, 2), '1', 1, 1],
      [number(1, 2), '2', 2, 2],
      [oneOf([true, false]), 'true', true, true],
      [oneOf(['a', 'b']), 'c', 'c', 'must be one of a, b'],
      [text, 'x', 'x', 'x'],
      [texts, 'a, b,', ['a', 'b'], ['a', 'b']],
      [eachParsedBy(upperCase), 'a,b', ['a', 'b'], ['A', 'B']],
      [eachParsedBy(upperCase), 'a,bad', ['a', 'bad'], 'has a bad item'],
    ]
    for (const [option, given, value, expected] of cases) {
      expect(readText(option, given), given).to.deep.equal(expected)
      expect(read(option, value), given).to.deep.equal(expected)
    }
  })

  it('a value of another type is a fault, not converted', () => {
    expect(
      [
        read(wholeNumber(0, 10), '7'),
        read(wholeNumber(0, 10), 0.5),
        read(number(0, 10), NaN),
        read(number(0, 10), 10.5),
        read(oneOf([true, false]), 'true'),
        read(text, 7),
        read(texts, ['a', '']),
        read(texts, []),
      ].map((result) => String(result).slice(0, 7)),
    ).to.deep.equal(Array.from({ length: 8 }, () => 'must be'))
    for (const given of ['-1', '1.5', '1e1', '0x1', ' 1', ''])
      expect(readText(wholeNumber(0, 10), given), given).to.match(/^must be a whole number/)
  })

  it('a list of commas alone counts as absent', () => {
    expect(texts.fromText(' ,, ')).to.equal(undefined)
  })

  it('an object with unknown members is a fault', () => {
    const faults = createFaults()
    expect(readObject({ a: 1 }, ['a'], faults.of('x'))).to.deep.equal({ a: 1 })
    readObject({ a: 1, b: 2, c: 3 }, ['a'], faults.of('x'))
    readObject(undefined, [], faults.of('x'))
    readObject([], [], faults.of('x'))
    readObject([], [], faults.of('x'))
    expect(faults.lines()).to.deep.equal([
      'x has members that are not known: b, c',
      'x is undefined',
      'x must be an object',
    ])
  })
})
