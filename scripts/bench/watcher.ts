// A guard in its own process that reports when it first refuses each token.
import { createGuard } from '../../src/guard.js'

const { FEED = '', SECRET = '', CLIENT_SECRET = '' } = process.env
const guard = createGuard({
  issuers: [{ issuer: 'https://issuer.test', secret: SECRET }],
  feed: { url: FEED, clientId: 'bench', clientSecret: CLIENT_SECRET },
})
await guard.ready()
process.on('message', ({ tokens }: { tokens: string[] }) => {
  const watchAll = async () => {
    for (const [index, jwt] of tokens.entries()) {
      // From this call on, every check of the token is refused.
      guard.watch(await guard.check(`Bearer ${jwt}`), () =>
        process.send?.({ index, at: performance.timeOrigin + performance.now() }),
      )
    }
    process.send?.({ ready: true })
  }
  void watchAll()
})
