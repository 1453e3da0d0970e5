import { expect } from 'chai'
import { createContext } from '../../src/feed/follower-context.js'
import { placeOf } from '../../src/feed/state.js'
import * as product from '../../src/feed/follower-steps.js'
import { positionOf } from '../../src/feed/event.js'
import { momentOf, type Moment } from '../../src/feed/freshness.js'
import { isRevokedBy, valueOf } from '../../src/revocation/entry.js'
import type { Commit, CommitResult } from '../../src/revocation/commit.js'
import * as events from './events.js'
import { explore, type Setting } from './explore.js'
import { answer, logout, replicate } from './model/logout.js'
import { loginOf, startMs } from './model/tokens.js'
import type { CreateEntries } from './model/server.js'
import { productParts, safeConditions, type Parts } from './model/world.js'

type Context = ReturnType<typeof createContext>

/** Parts of which one step is another one. */
const withSteps = (steps: Partial<typeof product>): Parts => ({
  ...productParts,
  steps: { ...product, ...steps },
})
const withBarrier = (broken: (barrier: Context['barrier']) => object): Parts => ({
  ...productParts,
  createContext(parts) {
    const context = createContext(parts)
    return { ...context, barrier: { ...context.barrier, ...broken(context.barrier) } }
  },
})

/** Merges as the last write says. */
const lastWriteWins: CreateEntries = ({ held, append }) => ({
  find: (name) => held.get(name),
  commit({ entries, preconditions }: Commit): CommitResult {
    const isRevoked = preconditions?.keys.some((key) => {
      const entry = held.get(key)
      return isRevokedBy(key, entry && valueOf(entry), preconditions.issuedAtS)
    })
    if (isRevoked === true) return { outcome: 'already_revoked' }
    for (const entry of entries) {
      held.set(entry.key, entry)
      append(entry)
    }
    return { outcome: 'stored' }
  },
})

const named = (all: readonly events.Event[], ...names: RegExp[]) =>
  all.filter(({ name }) => names.some((one) => one.test(name)))
const lone = { ...safeConditions, minReplicas: 0, url: 'plain' } as const
const ana = named(events.ana, /at 1$/, /answer/)
const [read1, read2] = events.reads as [events.Event, events.Event]
const guarded: Setting = {
  conditions: lone,
  events: [...ana, ...named(events.guard, /connects to 2/, /takes/, /asks 2/, /gets/), read2],
}

/** Another token of the session of Ana is logged out, and has its answer. */
const otherTokenIsOut = (name: string, at: 0 | 1, lifeS: number): events.Event => ({
  name: `${name}, another token of the session of Ana, is logged out`,
  can: () => true,
  run(world) {
    const login = loginOf({
      name,
      person: 'Ana',
      session: 'session',
      iatS: startMs / 1000 - 5,
      lifeS,
    })
    world.logins.push(login)
    logout(world, login, 'local', world.instances[at])
    replicate(world)
    for (const request of [...world.requests]) answer(world, request)
    // What else was ended by that is not what this history is about.
    world.promised.splice(
      0,
      world.promised.length,
      ...world.promised.filter((one) => one.login === login),
    )
  },
})

/** Its events end earlier than what it holds, as those of a writer whose clock is behind did. */
const earlyEvents: CreateEntries = (parts) =>
  productParts.createEntries({
    ...parts,
    append: ({ untilMs, ...entry }) =>
      parts.append({ ...entry, untilMs: untilMs === null ? null : untilMs - 3_000 }),
  })

/** Each part, broken, and a setting in which the part of the product breaks no promise. */
const broken: readonly Readonly<{ name: string; parts: Parts; setting: Setting; depth: number }>[] =
  [
    {
      name: 'a freshness check that does not wait until it has applied the last event',
      parts: withBarrier((barrier) => {
        let isAnswered = false
        return {
          open(position: string) {
            isAnswered = false
            return barrier.open(position)
          },
          answered(askedAt: Moment, target: string) {
            isAnswered = true
            return barrier.answered(askedAt, target)
          },
          hasPassed: () => isAnswered,
        }
      }),
      setting: guarded,
      depth: 4,
    },
    {
      name: 'a freshness check that counts from the answer, not from the question',
      parts: withSteps({
        beforeRead: () => undefined,
        takePage(context, page) {
          context.readAt = momentOf(context.parts.clock)
          return product.takePage(context, page)
        },
      }),
      setting: { conditions: lone, events: [...ana, ...named(events.readsSlowly, /2/)] },
      depth: 4,
    },
    {
      name: 'a follower that takes any page for the next one',
      parts: withSteps({
        takePage(context, page) {
          const [first, ...rest] = page.events
          const held = 'position' in context.state ? context.state.position : ''
          const [, id = '0-0', name = ''] = /^(\d+-\d+)\.(.*)$/.exec(held) ?? []
          const key = name === 'genesis' ? undefined : name
          const claimed =
            first !== undefined && positionOf(first) === held
              ? first
              : { id, entry: key === undefined ? undefined : ({ key, untilMs: null } as never) }
          return product.takePage(context, { ...page, events: [claimed, ...rest] })
        },
      }),
      setting: {
        conditions: lone,
        before: [...named(events.bea, /at 1$/), read2, events.failsOver],
        events: [...ana, read2],
      },
      depth: 3,
    },
    {
      name: 'a merge by which the last write wins',
      parts: { ...productParts, createEntries: lastWriteWins },
      setting: {
        conditions: { ...lone, minReplicas: 1 },
        before: [otherTokenIsOut('a longer one', 0, 20_000)],
        // A repeated logout writes again, for the replicas, and its token lives shorter.
        events: [...ana, events.passes(7_300_000), ...named(events.instanceRestarts, /2/), read2],
      },
      depth: 5,
    },
    {
      name: 'an event that ends earlier than its entry',
      parts: { ...productParts, createEntries: earlyEvents },
      setting: {
        conditions: { ...lone, minReplicas: 1 },
        events: [...ana, read2, events.passes(500), otherTokenIsOut('a second one', 1, 3_600)],
        violates: () => undefined,
      },
      depth: 4,
    },
    {
      name: 'an instance that forgets what it stored last',
      parts: withSteps({ takeOwnWrite: () => undefined }),
      setting: {
        conditions: lone,
        events: [...ana, events.failsOver],
        violates: () => undefined,
      },
      depth: 3,
    },
    {
      name: 'a gap that is never a loss',
      parts: withSteps({
        takeInspection(context, state, inspection) {
          const place = placeOf(state)
          if (inspection === undefined || place === undefined || inspection.hasPosition)
            return product.takeInspection(context, state, inspection)
          const { identity } = place
          const trimmed = { ...inspection, identity, firstId: '9999999999999-0', added: undefined }
          return product.takeInspection(context, state, trimmed)
        },
      }),
      setting: {
        conditions: lone,
        events: [...ana, read1, events.failsOver],
        violates: () => undefined,
      },
      depth: 4,
    },
  ]

describe('a broken part is found by a history', function () {
  this.timeout(600_000)
  for (const { name, parts, setting, depth } of broken)
    it(name, () => {
      const convergesUpTo = setting.violates === undefined ? 0 : depth
      expect(explore(setting, depth, convergesUpTo).counterexample, 'the product').to.equal(
        undefined,
      )
      const { counterexample } = explore({ ...setting, parts }, depth, convergesUpTo)
      expect(counterexample, 'the broken part').to.be.an('object')
    })
})
