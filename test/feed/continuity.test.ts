import { expect } from 'chai'
import {
  compareFeed,
  type Continuity,
  type FeedIdentity,
  type FoundFeed,
  type Place,
} from '../../src/feed/continuity.js'

const identity: FeedIdentity = { epoch: 'h', runId: 'run', replicationId: 'repl' }
const place: Place = { identity, position: `1000-5.t:${'A'.repeat(22)}`, added: 100 }
const found: FoundFeed = { identity, hasPosition: false, firstId: '2000-0', added: 200 }

describe('the continuity of the feed', () => {
  const cases: [what: string, place: Partial<Place>, found: Partial<FoundFeed>, Continuity][] = [
    ['the position is there', {}, { hasPosition: true }, 'same'],
    ['the position is there, with fewer events added', {}, { hasPosition: true, added: 1 }, 'same'],
    [
      'the position is there, on a server that was restarted or replaced',
      {},
      { hasPosition: true, identity: { ...identity, runId: 'other' } },
      'other_server',
    ],
    [
      'the position is there, on a server that was a replica meanwhile',
      {},
      { hasPosition: true, identity: { ...identity, replicationId: 'other' } },
      'other_server',
    ],
    [
      'the position is there, and the epoch is another one',
      {},
      { hasPosition: true, identity: { ...identity, epoch: 'other' } },
      'other_server',
    ],

    ['older than the first event by milliseconds', {}, {}, 'trimmed'],
    ['older than the first event by its sequence', {}, { firstId: '1000-6' }, 'trimmed'],
    ['older than the first event, and no event was added', {}, { added: 100 }, 'trimmed'],
    [
      'older than the first event, where Redis does not count events',
      { added: undefined },
      { added: undefined },
      'trimmed',
    ],
    [
      'older than the first event, counted since an upgrade of Redis',
      { added: undefined },
      { added: 3 },
      'trimmed',
    ],
    ['older than the first event, no longer counted', {}, { added: undefined }, 'trimmed'],
    [
      'no position yet, on the same server',
      { position: undefined, added: undefined },
      {},
      'trimmed',
    ],

    ['older than the first event, with fewer events added', {}, { added: 99 }, 'lost'],
    ['no position yet, with fewer events added', { position: undefined }, { added: 99 }, 'lost'],
    ['as old as the first event, which is another one', {}, { firstId: '1000-5' }, 'lost'],
    ['newer than the first event by its sequence', {}, { firstId: '1000-4' }, 'lost'],
    ['newer than the first event: failed over, there and back', {}, { firstId: '999-9' }, 'lost'],
    [
      'newer than every event: a failover to a replica that lagged',
      {},
      { firstId: '10-0', added: 300 },
      'lost',
    ],
    ['the feed is empty, or gone', {}, { firstId: undefined, added: undefined }, 'lost'],
    [
      'no position yet, and the feed is gone',
      { position: undefined },
      { firstId: undefined, added: undefined },
      'lost',
    ],
    ['another epoch', {}, { identity: { ...identity, epoch: 'other' } }, 'lost'],
    [
      'older than the first event, on another server',
      {},
      { identity: { ...identity, runId: 'other' } },
      'lost',
    ],
    [
      'older than the first event, on a server that was a replica meanwhile',
      {},
      { identity: { ...identity, replicationId: 'other' } },
      'lost',
    ],
    [
      'no position yet, on another server',
      { position: undefined, added: undefined },
      { identity: { ...identity, runId: 'other' } },
      'lost',
    ],
  ]
  for (const [what, knew, finds, continuity] of cases) {
    it(`${continuity}: ${what}`, () => {
      expect(compareFeed({ ...place, ...knew }, { ...found, ...finds })).to.equal(continuity)
    })
  }
})
