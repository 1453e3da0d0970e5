// The health check of the container: exit code 0 when the process answers. Readiness is not
// checked: without Redis an engine would restart the instance, and the revocations in its memory,
// from which Redis can be restored, would be lost.
import { get as getPlain } from 'node:http'
import { get as getTls } from 'node:https'

const { TLS_CERT_FILE } = process.env
const port = process.env.PORT || '3000'
// A service that listens on every address also listens on 127.0.0.1.
const host = ['', '0.0.0.0', '::'].includes(process.env.HOST ?? '') ? '127.0.0.1' : process.env.HOST
const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
const fail = (why) => {
  console.error(why)
  process.exit(1)
}
// The connection stays on this machine, so the name in the certificate does not matter.
const [scheme, get] = TLS_CERT_FILE ? ['https', getTls] : ['http', getPlain]
get(
  `${scheme}://${authority}/health/live`,
  { rejectUnauthorized: false, timeout: 2500 },
  (answer) => {
    answer.resume()
    if (answer.statusCode !== 200) fail(`the service answers ${answer.statusCode}`)
  },
)
  .on('timeout', () => fail('no answer in time'))
  .on('error', (error) => fail(error.message))
