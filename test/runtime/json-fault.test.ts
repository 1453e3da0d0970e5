import { expect } from 'chai'
import fc from 'fast-check'
import { jsonFault } from '../../src/runtime/json-fault.js'

describe('the place where a text stops being JSON', () => {
  const cases: [string, number, number][] = [
    ['', 1, 1],
    ['[secret', 1, 2],
    ['{', 1, 2],
    ['[1,\n  2,\n  x]', 3, 3],
    ['[{"a":1,}]', 1, 9],
    ['[{"a" 1}]', 1, 7],
    ['["a"] more', 1, 7],
    ['[01]', 1, 2],
    ['["é😀", x]', 1, 8],
    ['{"a":"line\nend"}', 1, 6],
    ["[{'a':1}]", 1, 3],
    ['\ufeff[]', 1, 1],
  ]
  for (const [text, line, column] of cases)
    it(`${JSON.stringify(text)}: line ${line}, column ${column}`, () =>
      expect(jsonFault(text)).to.deep.equal({ line, column }))

  it('is told for every text that does not parse, and for no other', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '"', ',', 'x', '}', ']', '0'),
        (json, at, letter) => {
          const index = at % (json.length + 1)
          const text = json.slice(0, index) + letter + json.slice(index + 1)
          const fault = jsonFault(text)
          let parses = true
          try {
            JSON.parse(text)
          } catch {
            parses = false
          }
          expect(fault === undefined).to.equal(parses)
          if (fault !== undefined && fault.line === 1)
            expect(fault.column).to.be.within(1, [...text].length + 1)
        },
      ),
      { numRuns: 500 },
    )
  })
})
