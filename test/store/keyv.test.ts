import { expect } from 'chai'
import { commitOf, type CommitReply } from '../../src/revocation/commit.js'
import { openKeyv, toKeyv, type CommitValue, type KeyvStoreAdapter } from '../../src/store/keyv.js'

/** An adapter that gives this answer to every call. */
function adapterWith(parts: Partial<KeyvStoreAdapter>): KeyvStoreAdapter {
  const adapter: KeyvStoreAdapter = {
    opts: {},
    on: () => adapter,
    get: async () => undefined,
    set: async () => undefined,
    delete: async () => true,
    clear: async () => undefined,
    ...parts,
  }
  return adapter
}
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error as Error).message,
  )

describe('the door to Keyv', () => {
  it('a commit reaches the adapter unchanged, and its answer comes back unchanged', async () => {
    const replies: CommitReply[] = [{ outcome: 'stored' }, { error: new Error('one of them') }]
    const values: CommitValue[] = [
      { key: 'cierre:{c}:t:A', value: commitOf([{ key: 't:A', untilMs: null }]) },
      { key: 'cierre:{c}:', value: commitOf([]) },
    ]
    let received: { key: string; value: unknown }[] = []
    const keyv = openKeyv(
      adapterWith({
        setMany: async (given) => {
          received = given
          return toKeyv(replies)
        },
      }),
    )
    expect(await keyv.commit(values)).to.equal(replies)
    expect(received.map(({ key }) => key)).to.deep.equal(values.map(({ key }) => key))
    received.forEach(({ value }, index) => expect(value).to.equal(values[index]?.value))
  })

  it('reads texts unchanged, under unchanged keys', async () => {
    let asked: string[] = []
    const keyv = openKeyv(
      adapterWith({
        getMany: async <Value>(keys: string[]) => {
          asked = keys
          return ['1', null, '{"value":"2"}'] as Value[]
        },
      }),
    )
    expect(await keyv.read(['a', 'b', 'c'])).to.deep.equal(['1', undefined, '{"value":"2"}'])
    expect(asked).to.deep.equal(['a', 'b', 'c'])
  })

  it('a failure of the adapter is thrown: never a success, never "nothing found"', async () => {
    const fail = async () => {
      throw new Error('no')
    }
    const keyv = openKeyv(adapterWith({ setMany: fail, getMany: fail, deleteMany: fail }))
    expect(await failureOf(keyv.commit([{ key: 'a', value: commitOf([]) }]))).to.equal('no')
    expect(await failureOf(keyv.read(['a']))).to.equal('no')
    expect(await failureOf(keyv.remove(['a']))).to.equal('no')
  })
})
