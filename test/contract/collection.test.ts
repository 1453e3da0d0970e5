import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { documentedOperations, readContract } from '../../src/contract.js'
import { basic, clientsVariable, secretOf } from '../support/clients.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

type Pair = Readonly<{ key: string; value: string; disabled?: boolean }>
type Request = Readonly<{
  method: string
  header: readonly Pair[]
  auth: Readonly<{ type: string }>
  url: Readonly<{ raw: string; query: readonly Pair[]; variable: readonly Pair[] }>
  body?: Readonly<{ mode: string; raw?: string; urlencoded?: readonly Pair[] }>
}>
type Folder = Readonly<{ name: string; item: readonly { name: string; request: Request }[] }>

const file = new URL('../../generated/collection.json', import.meta.url)
const collection = JSON.parse(readFileSync(file, 'utf8')) as { item: readonly Folder[] }
const requests = new Map(
  collection.item.flatMap(({ item }) => item.map(({ name, request }) => [name, request] as const)),
)

describe('the collection of requests for Postman and Bruno', () => {
  let service: TestService
  before(async () => {
    service = await startService({ JWT_ISSUER: 'https://issuer.test', CLIENTS: clientsVariable })
  })
  after(() => service.stop())

  /** Sends a request as those programs do, with the variables of the collection filled in. */
  const sendOf = (name: string, jwt: string) => {
    const { method, header, auth, url, body } = requests.get(name)!
    const fill = (text: string) => text.replaceAll('{{token}}', jwt).replace('{{baseUrl}}', '')
    const credentials = {
      bearer: { authorization: `Bearer ${jwt}` },
      basic: { authorization: basic('all', secretOf('all')) },
    }[auth.type]
    const form = new URLSearchParams(
      body?.urlencoded?.map(({ key, value }): [string, string] => [key, fill(value)]),
    )
    const query = url.query.filter(({ disabled }) => !disabled)
    const search = new URLSearchParams(
      query.map(({ key, value }): [string, string] => [key, value]),
    )
    return service.send({
      method,
      path: `${fill(url.raw)}?${search.toString()}`,
      headers: {
        ...Object.fromEntries(header.map(({ key, value }) => [key.toLowerCase(), value])),
        ...credentials,
      },
      ...(body && { body: body.mode === 'raw' ? fill(body.raw ?? '') : form.toString() }),
    })
  }

  it('has each operation of the contract once', () => {
    const ids = documentedOperations(readContract().document).map(({ operationId }) => operationId)
    expect([...requests.keys()].sort()).to.deep.equal(ids.sort())
    expect(collection.item.flatMap(({ item }) => item)).to.have.length(ids.length)
  })

  it('200: logs a token out, and asks about it, with nothing but its variables filled in', async () => {
    const jwt = await token({ iss: 'https://issuer.test' })
    const active = async () =>
      ((await sendOf('introspect', jwt)).json as { active: boolean }).active
    expect((await sendOf('verify', jwt)).status).to.equal(200)
    expect(await active()).to.equal(true)
    expect((await sendOf('logout', jwt)).status).to.equal(200)
    expect((await sendOf('verify', jwt)).status).to.equal(401)
    expect(await active()).to.equal(false)
  })

  it('200 for every request of an operator as it stands', async () => {
    const jwt = await token({ iss: 'https://issuer.test' })
    for (const name of ['createRevocation', 'eraseSubject', 'listAuditEvents', 'getSnapshot'])
      expect((await sendOf(name, jwt)).status, name).to.equal(200)
  })
})
