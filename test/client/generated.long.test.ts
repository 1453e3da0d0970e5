import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { clientsVariable, secretOf } from '../support/clients.js'
import { generators, type Generator } from '../support/generators.js'
import { startService, type TestService } from '../support/service.js'
import { token } from '../support/tokens.js'

const root = new URL('../../', import.meta.url).pathname
const deadlineMs = 500_000
const execute = promisify(execFile)

const compilerOptions = {
  strict: true,
  target: 'ES2022',
  module: 'NodeNext',
  lib: ['ES2022', 'DOM', 'DOM.Iterable'],
  types: [],
  rootDir: '.',
  outDir: 'built',
}

type Answer = Promise<{ status: number; data: unknown }>
type Program = {
  logOut(origin: string, token: string): Answer
  introspect(origin: string, form: object): Answer
}

describe('a client that a third-party generator makes of the contract', function () {
  // The installation and each generator take up to a minute on a busy machine.
  this.timeout(deadlineMs)
  /** Below `node_modules`, so that the generators and their clients find the project's packages. */
  let folder: string
  let service: TestService
  before(async () => {
    folder = mkdtempSync(join(root, 'node_modules', '.generators-'))
    service = await startService({ CLIENTS: clientsVariable })
    await installOthers()
  })
  after(async () => {
    await service.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Installs what the lock file names. A package that refuses this Node fails the installation. */
  async function installOthers() {
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(root, 'test/client/generators', file), join(folder, file))
    await run(folder, ['npm', 'ci', '--ignore-scripts', '--engine-strict', '--prefer-offline'])
  }

  /** @throws Error with what the command has printed, when it fails or does not end */
  async function run(cwd: string, [command = '', ...args]: readonly string[]) {
    const bins = [folder, root].map((place) => join(place, 'node_modules', '.bin'))
    const env = {
      ...process.env,
      PATH: [...bins, process.env['PATH']].join(delimiter),
      DO_NOT_TRACK: '1',
      ORIGIN: service.origin,
    }
    try {
      await execute(command, args, { cwd, env, timeout: deadlineMs })
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`${command} ${args.join(' ')}: ${stdout ?? ''}${stderr ?? ''}`, {
        cause: error,
      })
    }
  }

  /** Generates a client, and compiles it with the program that uses it. */
  async function build({ name, command, config, program }: Generator): Promise<Program> {
    const place = join(folder, name.replaceAll(/\W/g, '-'))
    mkdirSync(join(place, 'client'), { recursive: true })
    copyFileSync(join(root, 'openapi.yaml'), join(place, 'openapi.yaml'))
    if (config !== undefined) writeFileSync(join(place, config[0]), config[1])
    // The compiler passes over a folder whose name begins with a dot, unless a pattern names it.
    const options = { compilerOptions, include: ['program.ts', 'client', 'client/.kubb/*'] }
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(options))
    writeFileSync(join(place, 'package.json'), '{"type":"module"}')
    writeFileSync(join(place, 'program.ts'), program)
    await run(place, command)
    await run(place, ['tsc', '-p', '.'])
    return import(pathToFileURL(join(place, 'built', 'program.js')).href) as Promise<Program>
  }

  for (const generator of generators) {
    it(`${generator.name}: compiles under strict, and logs a real token out: 200, then 401`, async () => {
      const { logOut, introspect } = await build(generator)
      const jwt = await token()
      expect(await logOut(service.origin, jwt)).to.deep.include({
        status: 200,
        data: { success: true, message: 'Sesión cerrada exitosamente' },
      })
      expect(await logOut(service.origin, jwt)).to.deep.include({
        status: 401,
        data: { success: false, message: 'Token no proporcionado o inválido' },
      })
      if (!generator.sendsForms) return
      const form = { token: jwt, client_id: 'all', client_secret: secretOf('all') }
      expect(await introspect(service.origin, form)).to.deep.include({
        status: 200,
        data: { active: false },
      })
    })
  }
})
