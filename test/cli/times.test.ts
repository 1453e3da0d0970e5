import { expect } from 'chai'
import fc from 'fast-check'
import { timeParser, timeText } from '../../src/cli/times.js'

const inZone = (zone: string, work: () => void) => {
  const before = process.env['TZ']
  process.env['TZ'] = zone
  try {
    work()
  } finally {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  }
}
const nowMs = Date.parse('2026-11-26T08:30:00Z')
const [since, until] = [timeParser('start', () => nowMs), timeParser('end', () => nowMs)]

describe('times of the command line', () => {
  it('reads RFC 3339, local times and days, names of days, and how long ago', () =>
    inZone('Europe/Madrid', () => {
      for (const [text, from, to = from] of [
        ['2026-11-26T12:00:00Z', '2026-11-26T12:00:00.000Z'],
        ['2026-11-26T12:00:00.5-03:00', '2026-11-26T15:00:00.500Z'],
        ['2026-11-26T12:00', '2026-11-26T11:00:00.000Z'],
        ['2026-11-26 12:00:30', '2026-11-26T11:00:30.000Z'],
        ['2026-07-26T12:00:00.25', '2026-07-26T10:00:00.250Z'],
        ['2026-11-25', '2026-11-24T23:00:00.000Z', '2026-11-25T22:59:59.999Z'],
        ['today', '2026-11-25T23:00:00.000Z', '2026-11-26T22:59:59.999Z'],
        ['yesterday', '2026-11-24T23:00:00.000Z', '2026-11-25T22:59:59.999Z'],
        // A day of 25 hours, and one of 23.
        ['2026-10-25', '2026-10-24T22:00:00.000Z', '2026-10-25T22:59:59.999Z'],
        ['2026-03-29', '2026-03-28T23:00:00.000Z', '2026-03-29T21:59:59.999Z'],
        ['90s', '2026-11-26T08:28:30.000Z'],
        ['15m', '2026-11-26T08:15:00.000Z'],
        ['2h', '2026-11-26T06:30:00.000Z'],
        ['7d', '2026-11-19T08:30:00.000Z'],
      ] as const)
        expect([text, since(text), until(text)]).to.deep.equal([text, from, to])
    }))

  it('refuses every other text, and says what it must be', () => {
    for (const text of [
      '',
      'soon',
      '2026-02-30',
      '2026-02-30T12:00',
      '2026-11-26T24:00',
      '5',
      '1w',
    ])
      expect(() => since(text), text).to.throw(/^It must be a time such as/)
  })

  it('writes local time and UTC, and reads back both, in every zone', () => {
    expect(timeText(NaN)).to.equal('NaN')
    inZone('UTC', () => expect(timeText(nowMs)).to.equal('2026-11-26T08:30:00.000Z'))
    inZone('Asia/Kathmandu', () =>
      expect(timeText(nowMs)).to.equal('2026-11-26T14:15:00.000+05:45 (2026-11-26T08:30:00.000Z)'),
    )
    const zones = ['America/St_Johns', 'Europe/Madrid', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC']
    const range = { min: Date.parse('1980-01-01Z'), max: Date.parse('2100-01-01Z') }
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer(range), (zone, ms) =>
        inZone(zone, () => {
          const [local = '', utc = `(${local})`] = timeText(ms).split(' ')
          for (const text of [local, utc.slice(1, -1)]) expect(Date.parse(since(text))).to.equal(ms)
        }),
      ),
    )
  })
})
