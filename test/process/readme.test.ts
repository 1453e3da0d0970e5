import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parseConfig, variables } from '../../src/config/config.js'
import { failures } from '../../src/errors.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const source = [
  'config/config',
  'config/clients',
  'config/redis',
  'token/option-reader',
  'token/issuer-options',
  'token/issuer-key-options',
]
  .map((file) => readFileSync(new URL(`../../src/${file}.ts`, import.meta.url), 'utf8'))
  .join('\n')

describe('the README', () => {
  it('has every variable that the code reads, with its default, and no other', () => {
    const table: Record<string, string> = Object.fromEntries(
      [...readme.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\|/gm)].map(
        ([, name = '', value = '']) => [name, value] as const,
      ),
    )
    expect(table).to.deep.equal(variables)
    const read = new Set(
      [...source.matchAll(/'([A-Z][A-Z0-9]*_[A-Z_]+|HOST|PORT|CLIENTS|DOCS)'/g)]
        .map(([, name]) => name)
        .filter((name) => !name?.endsWith('_FILE') || name in variables),
    )
    expect([...read].filter((name) => name !== undefined && !(name in variables))).to.deep.equal([])
    expect(Object.keys(variables).filter((name) => !read.has(name))).to.deep.equal([])
  })

  it('has the defaults that the code has', () => {
    const secret = 'x'.repeat(32)
    const written = parseConfig({
      ...Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== '')),
      JWT_SECRET: secret,
      REDIS_URL: 'memory:',
    })
    expect(written).to.deep.equal(parseConfig({ JWT_SECRET: secret, REDIS_URL: 'memory:' }))
  })

  it('has the answers that the service gives', () => {
    for (const code of ['invalid_token', 'token_expired', 'internal_error'] as const) {
      const { status, message } = failures[code]
      expect(readme).to.include(`| ${status} | \`{"success":false,"message":"${message}"}\``)
    }
  })
})
