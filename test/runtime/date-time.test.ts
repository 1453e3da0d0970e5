import { expect } from 'chai'
import fc from 'fast-check'
import { isDateTime } from '../../src/runtime/date-time.js'

describe('a time of RFC 3339', () => {
  const two = (value: number) => String(value).padStart(2, '0')

  it('property: every time is one, with any offset, in any case, with any fraction', () => {
    const time = fc.date({
      min: new Date('0000-01-01'),
      max: new Date('9999-12-31'),
      noInvalidDate: true,
    })
    const offset = fc.oneof(
      fc.constantFrom('Z', 'z', '-00:00'),
      fc
        .tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59))
        .map(([sign, hours, minutes]) => `${sign}${two(hours)}:${two(minutes)}`),
    )
    const fraction = fc.constantFrom('', '.0', '.123456789')
    fc.assert(
      fc.property(time, offset, fraction, fc.constantFrom('T', 't'), (at, offset, fraction, t) => {
        const [date, clock] = at.toISOString().slice(0, 19).split('T')
        expect(isDateTime(`${date}${t}${clock}${fraction}${offset}`)).to.equal(true)
      }),
    )
  })

  it('property: no date is one that the calendar does not have', () => {
    fc.assert(
      fc.property(fc.nat(9_999), fc.nat(99), fc.nat(99), (year, month, day) => {
        const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
        const parsed = new Date(`${date}T00:00:00Z`)
        const exists = !Number.isNaN(parsed.getTime()) && parsed.toISOString().slice(0, 10) === date
        expect(isDateTime(`${date}T00:00:00Z`), date).to.equal(exists)
      }),
      {
        numRuns: 2_000,
        examples: [
          [2026, 2, 29],
          [2028, 2, 29],
          [0, 2, 29],
          [1900, 2, 29],
        ],
      },
    )
  })

  for (const text of [
    '2026-11-21T00:00:00',
    '2026-11-21',
    '2026-11-21 00:00:00Z',
    '2026-11-21T00:00Z',
    '2026-11-21T24:00:00Z',
    '2026-11-21T23:59:60Z',
    '2026-11-21T00:60:00Z',
    '2026-11-21T00:00:00+24:00',
    '2026-11-21T00:00:00+0100',
    '2026-11-21T00:00:00 01:00',
    '2026-11-21T00:00:00Z\n',
    '1795228156000',
    'yesterday',
    '',
  ])
    it(`${JSON.stringify(text)} is none`, () => expect(isDateTime(text)).to.equal(false))
})
