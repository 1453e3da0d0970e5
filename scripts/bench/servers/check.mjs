// The least that a check can cost on Node: node:http on a port and a Unix socket, with the fields of the agent's
// 200, which are always the same.
import { createServer } from 'node:http'

const { PORT, SOCKET } = process.env
const fields = [
  ...['X-Auth-Subject', 'user', 'X-Auth-Issuer', 'https://issuer.test', 'X-Auth-Session', 'sid'],
  ...['X-Auth-Scope', 'openid profile email', 'X-Auth-Claims', 'e30'],
  ...['X-Auth-As-Of', new Date().toISOString(), 'Content-Length', '0', 'Cache-Control', 'no-store'],
]
const listener = (_request, response) => response.writeHead(200, fields).end()
if (SOCKET !== undefined) createServer(listener).listen(SOCKET)
createServer(listener).listen(PORT, '127.0.0.1')
