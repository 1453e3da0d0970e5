import { expect } from 'chai'
import { WebSocketServer } from 'ws'
import { createCierre } from '../../../src/embedded.js'
import { readAdapterOptions } from '../../../src/guard/adapters/options.js'
import {
  expressGuard,
  fastifyGuard,
  honoGuard,
  isRevokedForExpressJwt,
  isRevokedForKoaJwt,
  koaGuard,
  nodeGuard,
  type Guard,
} from '../../../src/guard.js'
import { graphqlWsGuard } from '../../../src/guard/adapters/graphql-ws.js'
import { nestGuard } from '../../../src/guard/adapters/nest.js'
import { socketIoGuard } from '../../../src/guard/adapters/socket-io.js'
import { wsGuard } from '../../../src/guard/adapters/ws.js'
import { startGuard } from '../../support/guard.js'
import { saw } from '../../support/leaks.js'
import { freePort } from '../../support/processes.js'
import { hmacSecret } from '../../support/tokens.js'

const faultsOf = (make: () => unknown): string[] => {
  try {
    make()
  } catch (error) {
    expect(error).to.be.instanceOf(TypeError)
    return (error as Error).message.split('\n')
  }
  return []
}

describe('the options of the adapters', () => {
  it('have defaults, also where an option is undefined', () => {
    const defaults = {
      getToken: undefined,
      optional: false,
      scopes: [],
      challenge: {},
      language: 'en',
      onRefused: undefined,
    }
    const absent = {
      getToken: undefined,
      optional: undefined,
      scopes: undefined,
      challenge: undefined,
      language: undefined,
      onRefused: undefined,
    }
    for (const options of [undefined, {}, absent])
      expect(readAdapterOptions('x', options)).to.deep.equal(defaults)
    const challenge = { realm: undefined, resourceMetadata: undefined, scope: undefined }
    expect(readAdapterOptions('x', { challenge }).challenge).to.deep.equal(challenge)
  })

  it('TypeError with every fault at once; no value is quoted', () => {
    const wrong = {
      getToken: 'token',
      optional: 'yes',
      scopes: 'read write',
      challenge: {
        realm: 'a\r\nX-Evil: 1',
        resourceMetadata: '/metadata',
        scope: 'a  b',
        nonce: 'x',
      },
      language: 'fr',
      onRefused: {},
      scope: 'x',
    }
    expect(faultsOf(() => readAdapterOptions('expressGuard', wrong as never))).to.deep.equal([
      'expressGuard: options has members that are not known: scope (did you mean scopes?)',
      'expressGuard: getToken must be a function',
      'expressGuard: optional must be one of true, false',
      'expressGuard: scopes must be an array of scopes, without blanks in them (RFC 6749 §3.3)',
      'expressGuard: challenge has members that are not known: nonce',
      'expressGuard: challenge.realm must be printable ASCII',
      'expressGuard: challenge.resourceMetadata must be an absolute URL, https:// or http://, in ASCII and without a fragment',
      'expressGuard: challenge.scope must be scopes with one blank between them (RFC 6749 §3.3)',
      'expressGuard: language must be one of en, es',
      'expressGuard: onRefused must be a function',
    ])
  })

  it('take no text that a header cannot have', () => {
    const refused = (challenge: Record<string, unknown>) =>
      faultsOf(() => readAdapterOptions('x', { challenge })).length === 1
    for (const realm of ['', 'é', 'a\nb', 'a\tb', 'a\u007f', 7, null])
      expect(refused({ realm }), String(realm)).to.equal(true)
    for (const resourceMetadata of [
      'x',
      'ftp://a',
      'https://a/#b',
      'https://a/"',
      'https://a b',
      'https://é',
      'https://',
    ])
      expect(refused({ resourceMetadata }), resourceMetadata).to.equal(true)
    for (const scope of ['', ' a', 'a ', 'a"b', 'a\\b', 'é'])
      expect(refused({ scope }), scope).to.equal(true)
    for (const scopes of [[''], ['a b'], [7], {}])
      expect(
        faultsOf(() => readAdapterOptions('x', { scopes: scopes as string[] })),
      ).to.have.lengthOf(1)
    expect(readAdapterOptions('x', { scopes: [] }).scopes).to.deep.equal([])
  })

  it('are read when the adapter is made, by every adapter', async () => {
    const guard: Guard = startGuard(`http://127.0.0.1:${await freePort()}`)
    const adapters = { expressGuard, fastifyGuard, honoGuard, koaGuard, nodeGuard, nestGuard }
    for (const [name, adapter] of Object.entries(adapters))
      expect(faultsOf(() => adapter(guard, { realm: 'x' } as never))).to.deep.equal([
        `${name}: options has members that are not known: realm`,
      ])
    await guard.close()
  })

  it('TypeError where the guard should be: nothing, or all of what createCierre returns', async () => {
    const cierre = createCierre({
      issuers: [{ secret: hmacSecret }],
      redis: { url: 'memory:' },
      log: { write: saw },
    })
    const wss = new WebSocketServer({ noServer: true })
    const adapters: Record<string, (guard: Guard) => unknown> = {
      ...{ expressGuard, fastifyGuard, honoGuard, koaGuard, nodeGuard, nestGuard },
      ...{ isRevokedForExpressJwt, isRevokedForKoaJwt, socketIoGuard, graphqlWsGuard },
      wsGuard: (guard) => wsGuard(guard, wss),
    }
    for (const [name, adapter] of Object.entries(adapters)) {
      for (const wrong of [undefined, null, {}, cierre])
        expect(faultsOf(() => adapter(wrong as never))).to.deep.equal([
          `${name} needs a guard: createGuard(…), or createCierre(…).guard`,
        ])
      expect(
        faultsOf(() => adapter(cierre.guard)),
        name,
      ).to.deep.equal([])
    }
    await cierre.close()
  })
})
