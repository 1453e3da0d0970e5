import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { generateApi } from 'swagger-typescript-api'
import ts from 'typescript'
import { startService } from '../support/service.js'
import { token } from '../support/tokens.js'

const root = new URL('../../', import.meta.url).pathname

describe('a client that a third-party generator makes of the contract', () => {
  it('compiles under strict, and logs a real token out', async () => {
    const folder = mkdtempSync(join(root, 'node_modules', '.generated-client-'))
    const service = await startService()
    try {
      await generateApi({
        input: join(root, 'openapi.yaml'),
        output: folder,
        fileName: 'api.ts',
        silent: true,
      })
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      const program = ts.createProgram([join(folder, 'api.ts')], {
        strict: true,
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.NodeNext,
        moduleResolution: ts.ModuleResolutionKind.NodeNext,
        lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
        types: [],
        outDir: folder,
      })
      const { diagnostics } = program.emit()
      const faults = [...ts.getPreEmitDiagnostics(program), ...diagnostics].map(({ messageText }) =>
        ts.flattenDiagnosticMessageText(messageText, '\n'),
      )
      expect(faults).to.deep.equal([])
      type Sent = Promise<{ status: number; data: unknown }>
      const { Api } = (await import(pathToFileURL(join(folder, 'api.js')).href)) as {
        Api: new (options: object) => { api: { logout(body: object): Sent } }
      }
      const jwt = await token()
      const client = new Api({
        baseUrl: service.origin,
        baseApiParams: { headers: { Authorization: `Bearer ${jwt}` } },
      })
      const answer = await client.api.logout({ token: jwt })
      expect([answer.status, answer.data]).to.deep.equal([
        200,
        { success: true, message: 'Sesión cerrada exitosamente' },
      ])
      const refusal = await client.api
        .logout({ token: jwt })
        .catch((error: { status: number }) => error)
      expect(refusal.status).to.equal(401)
    } finally {
      await service.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
