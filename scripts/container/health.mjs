// Health check of the container: 0 when the process answers. Not readiness: whoever restarts what is not ready because Redis is gone
// throws away the memory that Redis would get its revocations back from.
import { get as getPlain } from 'node:http'
import { get as getTls } from 'node:https'

const { TLS_CERT_FILE } = process.env
const port = process.env.PORT || '3000'
// Where it listens on every address it is here, too.
const host = ['', '0.0.0.0', '::'].includes(process.env.HOST ?? '') ? '127.0.0.1' : process.env.HOST
const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
const fail = (why) => {
  console.error(why)
  process.exit(1)
}
// It asks the process beside it: whom the certificate names does not matter.
const [scheme, get] = TLS_CERT_FILE ? ['https', getTls] : ['http', getPlain]
get(
  `${scheme}://${authority}/health/live`,
  { rejectUnauthorized: false, timeout: 2500 },
  (answer) => {
    answer.resume()
    if (answer.statusCode !== 200) fail(`it answers ${answer.statusCode}`)
  },
)
  .on('timeout', () => fail('no answer in time'))
  .on('error', (error) => fail(error.message))
