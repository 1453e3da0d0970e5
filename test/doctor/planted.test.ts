import { expect } from 'chai'
import type { Report } from '../../src/doctor/run.js'
import { examineTarget, namesOf, storeCommands } from '../support/doctor.js'
import { faults, startPlanted, type Fault } from '../support/planted.js'
import { startRedis } from '../support/redis.js'
import { hmacSecret } from '../support/tokens.js'

/** The probes that find a fault. The first must; the others may, since one fault shows in several. */
const found: Record<Fault, readonly [string, ...string[]]> = {
  'denylist by the text': ['other spellings of the token'],
  'denylist by jti alone': ['a token without `jti`'],
  'fail-open on a store error': ['a logged-out token while the store is stopped'],
  '200 on a store error': ['logout while the store is stopped'],
  '401 for a good token on a store error': ['a good token while the store is stopped'],
  'siblings live': ['a sibling token of the login'],
  'refreshed token lives': ['a token refreshed after the logout', 'a sibling token of the login'],
  'open socket lives': ['an open connection'],
  'second instance with a cache of its own': [
    'the token at a second instance',
    'two logouts at once',
    'a sibling token of the login',
    'a token without `jti`',
    'the token some time later',
    'a logged-out token while the store is stopped',
    'logout while the store is stopped',
    'another user’s token in the body',
  ],
  'second logout is an error': ['logout twice', 'two logouts at once'],
  'expired token stuck': ['logout with an expired token'],
  'logout of another user': ['another user’s token in the body'],
  'unsigned token accepted at logout': ['logout with a forged token'],
  // An entry of two seconds may end during each probe that takes as long.
  'entry expires before the token': [
    'the token some time later',
    'an open connection',
    'a logged-out token while the store is stopped',
  ],
}

/** Tries a server with one fault, or with none. */
async function tryPlanted(fault: Fault | undefined): Promise<Report> {
  const redis = await startRedis()
  const commands = await storeCommands(redis)
  const { origins, stop } = await startPlanted(fault, redis.url)
  const [first, second] = origins
  try {
    return await examineTarget({
      login: { url: `${first}/login`, body: { user: 'alice' } },
      otherLogin: { url: `${first}/login`, body: { user: 'bob' } },
      logout: `${first}/logout`,
      protected: [`${first}/me`, { url: `${second}/me`, contains: 'sub' }],
      // Without a session claim the home-made server cannot know the tokens of one login.
      ...(!fault?.startsWith('denylist by') && { refresh: `${first}/refresh` }),
      connection: first.replace('http', 'ws'),
      sign: { secret: hmacSecret },
      store: commands.store,
    })
  } finally {
    await stop()
    commands.close()
    await redis.stop()
  }
}

describe('the doctor on home-made logouts, each with one fault', function () {
  this.timeout(300_000)
  const reports = new Map<Fault | undefined, Promise<Report>>()
  before(() => {
    for (const fault of [undefined, ...faults]) {
      const report = tryPlanted(fault)
      // Each test awaits its own; a rejection before that is not unhandled.
      report.catch(() => undefined)
      reports.set(fault, report)
    }
  })
  after(async () => void (await Promise.allSettled(reports.values())))

  it('none: every probe is tried, and nothing is found', async () => {
    const report = await reports.get(undefined)
    expect(report?.results.filter(({ outcome }) => outcome !== 'held')).to.deep.equal([])
    expect(report?.results).to.have.lengthOf(18)
  })

  for (const fault of faults)
    it(`${fault}: found by "${found[fault][0]}"`, async () => {
      const report = await reports.get(fault)
      if (report === undefined) throw new Error('not tried')
      const failed = namesOf(report, 'failed')
      expect(failed).to.include(found[fault][0])
      expect(failed.filter((name) => !found[fault].includes(name))).to.deep.equal([])
      expect(report.results.filter(({ outcome }) => outcome === 'unknown')).to.deep.equal([])
    })
})
