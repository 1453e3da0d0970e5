// The least that a logout can cost on Node: node:http and the work that COMMANDS names, without the
// checks that make a service safe. Answers with JSON.
import { createServer } from 'node:http'
import { work } from './floor-work.mjs'

const answer = '{"success":true,"message":"Sesión cerrada exitosamente"}'
const headers = {
  'Content-Type': 'application/json; charset=utf-8',
  'Content-Length': Buffer.byteLength(answer),
}

createServer((request, response) => {
  if (request.method === 'GET') return void response.end()
  let text = ''
  request
    .setEncoding('utf8')
    .on('data', (piece) => (text += piece))
    .on('end', () => {
      const jwt = request.headers.authorization.slice(7)
      if (JSON.parse(text).token !== jwt) throw new Error('another token')
      work(jwt).then(() => response.writeHead(200, headers).end(answer))
    })
}).listen(Number(process.env.PORT), '127.0.0.1')
