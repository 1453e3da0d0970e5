import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createRelay, heldMs } from '../../scripts/bench/network/relay.js'
import { exitCode, runMain } from '../support/instance.js'
import { until } from '../support/processes.js'

const program = new URL('../../scripts/bench/network.ts', import.meta.url).pathname

describe('the relay of npm run bench:network', () => {
  const relay = createRelay()
  const echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket))
  const sockets: Socket[] = []
  const host = '127.0.0.1'
  const ports = { link: 0, other: 0 }
  before(async () => {
    await once(echo.listen(0, host), 'listening')
    const to = { host, port: (echo.address() as AddressInfo).port }
    for (const name of ['link', 'other'] as const)
      ports[name] = await relay.open({ name, listen: { host, port: 0 }, to })
  })
  after(() => {
    relay.close()
    echo.close()
    sockets.forEach((socket) => socket.destroy())
  })

  const open = async (name: keyof typeof ports = 'link') => {
    const socket = connect(ports[name], host).setNoDelay(true)
    sockets.push(socket)
    const received = { text: '', closed: '' }
    socket.on('data', (bytes: Buffer) => (received.text += bytes.toString()))
    socket.on('error', (error: NodeJS.ErrnoException) => (received.closed = String(error.code)))
    await once(socket, 'connect')
    return { socket, received }
  }

  it('delays by the round trip, and another one for the handshake; the order stays', async () => {
    relay.set({ roundTripMs: 40, heldShare: 0.2 })
    const openedMs = performance.now()
    const { socket, received } = await open()
    const sent = Array.from({ length: 60 }, (_, index) => `${index};`)
    for (const text of sent) {
      socket.write(text)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until('all is back', () => received.text.length > 0)
    expect(performance.now() - openedMs).to.be.at.least(80)
    await until('all is back', () => received.text.length >= sent.join('').length)
    expect(received.text).to.equal(sent.join(''))
  })

  it('holds back for the round trip and 200 ms, and twice as long when the repetition is lost', () => {
    const held = (...numbers: number[]) =>
      heldMs({ roundTripMs: 20, heldShare: 0.01 }, () => numbers.shift() ?? 1)
    expect([held(0.01), held(0.009), held(0, 0), held(0, 0, 0)]).to.deep.equal([0, 220, 660, 1540])
  })

  it('lets nothing arrive in a partition, also on new connections; everything once it is healed', async () => {
    relay.set({ roundTripMs: 0, heldShare: 0 })
    const old = await open()
    old.socket.write('before')
    await until('it is back', () => old.received.text === 'before')
    relay.partition('link')
    const fresh = await open()
    const other = await open('other')
    for (const { socket } of [old, fresh, other]) socket.write(' during')
    await until('it is back', () => other.received.text === ' during')
    expect([old.received.text, fresh.received.text]).to.deep.equal(['before', ''])
    relay.heal('link')
    await until('all is back', () => fresh.received.text === ' during')
    await until('all is back', () => old.received.text === 'before during')
  })

  it('resets every connection of a link', async () => {
    const [cut, other] = [await open(), await open('other')]
    relay.cut('link')
    await until('it is reset', () => cut.received.closed === 'ECONNRESET')
    other.socket.write('as before')
    await until('it is back', () => other.received.text === 'as before')
  })
})

describe('npm run bench:network', function () {
  this.timeout(400_000)
  const dir = mkdtempSync(join(tmpdir(), 'cierre-network-'))
  after(() => rmSync(dir, { recursive: true }))

  it('nothing is accepted beyond the bound, and a partitioned guard answers 503 until it has caught up; the other sections stay', async () => {
    const file = join(dir, 'bench.md')
    writeFileSync(file, '# Figures\n\n<!-- memory -->\nkept\n<!-- end -->\n')
    const args = ['--logouts', '100', '--out', file]
    const { child, output } = runMain({ program, nodeArgs: ['--import', 'tsx'], args })
    expect(await exitCode(child), output.err).to.equal(0)
    const written = readFileSync(file, 'utf8')
    expect(written).to.match(
      /^# Figures\n\n<!-- memory -->\nkept\n<!-- end -->\n\n<!-- network -->/,
    )
    const [cases = [], disturbed = []] = written.split('\n## ').slice(1).map(rowsOf)
    expect(cases.map((row) => `${row['round trip ms']} ${row['held back']}`)).to.deep.equal(
      ['0 %', '1 %'].flatMap((held) => [1, 20, 80].map((ms) => `${ms} ${held}`)),
    )
    expect(cases.map(({ logouts }) => logouts)).to.deep.equal([
      '100',
      '100',
      '100',
      '10',
      '10',
      '10',
    ])
    for (const row of [...cases, ...disturbed])
      expect(row['accepted beyond the bound']).to.equal('0')
    for (const row of cases) {
      expect(Number(row['p50 ms'])).to.be.at.most(Number(row['max ms']))
      expect(Number(row['floor: an echo, p99.9 ms'])).to.be.at.least(Number(row['round trip ms']))
    }
    const [partitioned, cut, other] = disturbed
    for (const row of [partitioned, other]) {
      expect(row!['503 after ms']).to.match(/\d/)
      expect(Number.parseInt(row!['503s']!)).to.be.above(0)
      expect(Number(row!['caught up after ms'])).to.be.above(0)
    }
    expect(cut!['max ms']).to.match(/\d/)
  })
})

/** The rows of a table in Markdown, by the names of its columns. */
function rowsOf(section: string): Record<string, string>[] {
  const cellsOf = (line: string) => line.split('|').map((cell) => cell.trim())
  const [head = '', , ...rows] = section.split('\n').filter((line) => line.startsWith('|'))
  const names = cellsOf(head)
  return rows.map((row) =>
    Object.fromEntries(cellsOf(row).map((cell, at) => [names[at] ?? '', cell])),
  )
}
