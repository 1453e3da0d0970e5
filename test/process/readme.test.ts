import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'
import { failures } from '../../src/errors.js'
import { alertRules, type AlertRule } from '../support/monitoring.js'

const root = new URL('../../', import.meta.url)
const textOf = (page: string) => readFileSync(new URL(page, root), 'utf8')
const readme = textOf('README.md')
const operating = textOf('OPERATING.md')

describe('OPERATING.md', () => {
  it('has a runbook of five lines for every alert, where its runbook_url leads, and no other', () => {
    const [, section = ''] = /^### Alerts\n([^]*?)^### /m.exec(operating) ?? []
    const [, ...runbooks] = section.split(/^#### /m)
    const lines = ['It means', 'Callers see', 'Look at', 'Do', 'It ends']
    const runbookOf = ({ alert }: AlertRule) => `${alert}\n\n${lines.join('\n')}`
    expect(
      runbooks.map((text) => text.trim().replace(/^\* \*\*([^*]+)\*\*: \S.{20,}$/gm, '$1')),
    ).to.deep.equal(alertRules().map(runbookOf))
    const { repository } = JSON.parse(textOf('package.json')) as { repository: { url: string } }
    const page = `${repository.url.replace(/^git\+|\.git$/g, '')}/blob/main/OPERATING.md`
    for (const { alert, annotations } of alertRules())
      expect(annotations['runbook_url']).to.equal(`${page}#${alert.toLowerCase()}`)
  })

  it('has every warning and error that the code logs, and no other', () => {
    const [, section = ''] = /^### Outages in the log\n([^]*?)^### Alerts/m.exec(operating) ?? []
    const explained = [...section.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, line = '']) => line),
    )
    const files = readdirSync(new URL('src/', root), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.ts') && !file.startsWith('cli/'))
    const code = files.map((file) => textOf(`src/${file}`)).join('\n')
    const call =
      /\blog\.(?:warn|error|fatal)\(\s*(?:(?:\w+|\{[^{}]*\}),\s*)?(?:'([^']+)'|`([^`]+)`)/g
    const logged = [...code.matchAll(call)].map(([, text, template]) => text ?? template ?? '')
    expect(logged.length).to.be.at.least(10)
    // The table has an example of a template that begins with a text of its own.
    const isExplainedBy = (text: string, line: string) => {
      const [head = '', ...parts] = text.split('${')
      return text.includes(line) || (parts.length > 0 && head !== '' && line.startsWith(head))
    }
    expect(
      explained.filter(
        (line) => !code.includes(line) && !logged.some((text) => isExplainedBy(text, line)),
      ),
      'explained, but not logged',
    ).to.deep.equal([])
    expect(
      logged.filter((text) => !explained.some((line) => isExplainedBy(text, line))),
      'logged, but not explained',
    ).to.deep.equal([])
  })
})

describe('the workflow of the host', () => {
  it('runs .ci/run on push and pull request, with permission to read only', () => {
    const workflow = parse(textOf('.github/workflows/ci.yml')) as {
      on: Record<string, unknown>
      permissions: Record<string, string>
      jobs: { ci: { steps: { run?: string }[] } }
    }
    expect(Object.keys(workflow.on)).to.deep.equal(['push', 'pull_request'])
    expect(workflow.permissions).to.deep.equal({ contents: 'read' })
    expect(workflow.jobs.ci.steps.map(({ run }) => run)).to.include('.ci/run')
  })
})

describe('src/README.md', () => {
  it('names files and rooms that exist', () => {
    const page = textOf('src/README.md')
    const named = [
      ...page.matchAll(/`([a-z-]+(?:\/[a-z-]+)*\/|[a-z-]+(?:\/[a-z-]+)*\.(?:ts|yaml|md))`/g),
    ]
    const missing = named
      .map(([, path = '']) => path)
      .filter((path) => !['src/', ''].some((base) => existsSync(new URL(base + path, root))))
      .filter((path) => !/^(?:x\/y\.ts|test\/x\/y\.test\.ts|create-revocation\.ts)$/.test(path))
    expect(named.length).to.be.at.least(60)
    expect(missing).to.deep.equal([])
  })

  it('names every room', () => {
    const page = textOf('src/README.md')
    const rooms = readdirSync(new URL('src/', root), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `| \`${name}/\` |`)
    expect(rooms.filter((room) => !page.includes(room))).to.deep.equal([])
  })
})

describe('the README', () => {
  it('is read in ten minutes: at most 170 lines, and each link leads to a file and a heading', () => {
    expect(readme.trimEnd().split('\n').length).to.be.at.most(170)
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')
    const pages = ['README.md', 'OPERATING.md', 'SECURITY.md', 'CONTRIBUTING.md', 'src/README.md']
    const examples = ['README.md', 'FIRST-MINUTES.md'].map((page) => `scripts/examples/${page}`)
    for (const page of [...pages, ...examples]) {
      const links = [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
      for (const [link, path = '', anchor] of links) {
        const target = new URL(path, new URL(page, root))
        expect(existsSync(target), `${page}: ${link}`).to.equal(true)
        if (anchor === undefined) continue
        const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)]
        expect(
          headings.map(([, heading = '']) => slug(heading)),
          `${page}: ${link}`,
        ).to.include(anchor)
      }
    }
  })

  it('has the bodies of the failures as the service sends them', () => {
    for (const code of ['invalid_token', 'token_expired', 'internal_error'] as const) {
      const { status, message } = failures[code]
      expect(readme).to.include(`| ${status} | \`{"success":false,"message":"${message}"}\``)
    }
  })
})
