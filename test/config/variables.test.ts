import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { parseConfig } from '../../src/config/config.js'
import type { Variable } from '../../src/config/variable.js'
import { agentVariables } from '../../src/config/agent-variables.js'
import { variables } from '../../src/config/variables.js'
import { configurationPage } from '../../scripts/configuration.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(`${root}generated/configuration.md`, 'utf8')
const rows: [string, Variable][] = Object.entries(variables)
const allVariables: Readonly<Record<string, Variable>> = { ...variables, ...agentVariables }
const texts = (folder: string) =>
  readdirSync(`${root}src/${folder}`, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(`${root}src/${folder}/${file}`, 'utf8'))
    .join('\n')

describe('the configuration reference', () => {
  it('has every variable of the table, with its default, unit and _FILE, and no other', () => {
    const documented = [
      ...page.matchAll(
        /^\| `([A-Z][A-Z0-9_]+)` \| (?:`([^`]*)`)? ?\| (\w*) ?\| (✓?) ?\| (.+) \|$/gm,
      ),
    ].map(([, ...cells]) => cells)
    expect(documented).to.deep.equal(
      Object.entries(allVariables).map(([name, { default: value, unit = '', orFile, help }]) => [
        name,
        value,
        unit,
        orFile ? '✓' : '',
        help,
      ]),
    )
    expect(page).to.equal(configurationPage())
  })

  it('has every variable that the code reads, and no other', () => {
    // Without comments, which name variables that do not exist, such as `X_FILE`.
    const config = texts('config').replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
    const ofTable = [
      ...config.matchAll(/\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|HOST|PORT|CLIENTS|DOCS)\b/g),
    ]
      .map(([, name = '']) => name)
      .filter((name) => !(name.endsWith('_FILE') && name.slice(0, -'_FILE'.length) in allVariables))
    const outsideTable = `${config}${texts('agent')}`.replace(
      /export (?:const (?:\w*[vV]ariables|optionNames) = \{\n[^]*?\n\} as const|type ProcessVariable =[^]*?\n\n)/g,
      '',
    )
    const unused = Object.keys(allVariables).filter(
      (name) => !new RegExp(`\\b${name}\\b`).test(outsideTable),
    )
    expect(unused, 'in the table alone').to.deep.equal([])
    expect([...new Set(ofTable)].filter((name) => !(name in allVariables))).to.deep.equal([])
    const ofEnvironment = [...texts('').matchAll(/\benv\['([A-Z_]+)'\]/g)].map(([, name]) => name)
    expect(ofEnvironment.filter((name) => !page.includes(`| \`${name}\` |`))).to.deep.equal([])
  })

  it('has the defaults that the code has', () => {
    const secret = 'x'.repeat(32)
    const given = { JWT_SECRET: secret, REDIS_URL: 'memory:' }
    const defaults = Object.fromEntries(
      rows.flatMap(([name, { default: value }]) => (value === undefined ? [] : [[name, value]])),
    )
    expect(parseConfig({ ...defaults, ...given })).to.deep.equal(parseConfig(given))
  })
})
