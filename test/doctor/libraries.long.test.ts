import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { examineTarget, storeCommands } from '../support/doctor.js'
import {
  startExpressJwt,
  startFastifyJwt,
  type Documented,
} from '../support/documented-denylists.js'
import { startRedis } from '../support/redis.js'
import { hmacSecret } from '../support/tokens.js'

const root = new URL('../../', import.meta.url)
const textOf = (path: string) => readFileSync(new URL(path, root), 'utf8')

const libraries: Record<string, (redisUrl: string) => Promise<Documented>> = {
  'express-jwt': startExpressJwt,
  '@fastify/jwt': startFastifyJwt,
}

describe('the doctor on the denylists that the documentation of libraries leads to', function () {
  this.timeout(300_000)

  for (const [name, serve] of Object.entries(libraries))
    it(`${name}: the README says what was found, and in which version`, async () => {
      const redis = await startRedis()
      const commands = await storeCommands(redis)
      const { origin, stop } = await serve(redis.url)
      try {
        const { results } = await examineTarget({
          login: `${origin}/login`,
          logout: `${origin}/logout`,
          protected: `${origin}/me`,
          sign: { secret: hmacSecret },
          store: commands.store,
        })
        const found = results.flatMap((result) =>
          result.outcome === 'failed' ? result.findings : [],
        )
        expect(found).to.deep.equal([
          `a second token of the same session is let in at ${origin}/me`,
          'another login without `jti` was ended by that logout, too',
        ])
        expect(results.filter(({ outcome }) => outcome === 'unknown')).to.deep.equal([])
      } finally {
        await stop()
        commands.close()
        await redis.stop()
      }
      const { version } = JSON.parse(textOf(`node_modules/${name}/package.json`)) as {
        version: string
      }
      expect(textOf('README.md')).to.include(`${name} ${version}`)
    })
})
