import { expect } from 'chai'
import type { StoredEvent } from '../../src/audit/event.js'
import { createNewEvents } from '../../src/cli/audit-follow.js'
import { lineOf } from '../../src/cli/event-text.js'
import { timeText } from '../../src/cli/times.js'

const startMs = Date.parse('2026-01-01T00:00:00Z')
const event = (second: number, subject: string) =>
  ({
    time: new Date(startMs + second * 1000).toISOString(),
    event: 'authn_token_revoked',
    outcome: 'success',
    reason: 'logout',
    subject,
  }) as StoredEvent
const subjects = (events: StoredEvent[]) => events.map(({ subject }) => subject)

describe('audit --follow', () => {
  it('prints an event once, also when it is read several times or twice in one read', () => {
    const newEvents = createNewEvents({ events: [event(0, 'a')], readAtMs: startMs })
    expect(subjects(newEvents.add([event(0, 'a'), event(1, 'b'), event(1, 'b')]))).to.deep.equal([
      'b',
    ])
    expect(subjects(newEvents.add([event(1, 'b'), event(2, 'c')]))).to.deep.equal(['c'])
  })

  it('prints an event that was written late, but none from before the start', () => {
    const newEvents = createNewEvents({ events: [event(20, 'a')], readAtMs: startMs + 21_000 })
    expect(subjects(newEvents.add([event(19, 'older'), event(20.5, 'late')]))).to.deep.equal([
      'late',
    ])
  })

  it('begins each read ten seconds before the newest event, and never goes back', () => {
    const newEvents = createNewEvents({ events: [], readAtMs: startMs })
    const froms = [30, 5].map((second) => {
      newEvents.add([event(second, 'x')])
      return Date.parse(newEvents.from()) - startMs
    })
    expect(froms).to.deep.equal([20_000, 20_000])
  })

  it('prints no character that moves the cursor', () => {
    expect(lineOf(event(0, 'e\u001b[2J\u202e'))).to.equal(
      `${timeText(startMs)}  success  authn_token_revoked  logout  e�[2J�\n`,
    )
  })
})
