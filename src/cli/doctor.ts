import type { CliCommand } from './command.js'
import type { Io } from './io.js'
import type { DoctorOptions } from './run-doctor.js'

export const doctorCommand: CliCommand = {
  name: 'doctor',
  help: 'try whether a logout, of cierre or of any other server, takes effect',
  options: [
    { flags: '--config <file>', help: 'its configuration, in YAML; see below' },
    { flags: '--login <command or url>', help: 'prints or answers the tokens of a fresh login' },
    { flags: '--logout <url>', help: 'takes a POST with the token as bearer and as {"token": …}' },
    { flags: '--protected <url...>', help: 'lets in who is logged in; several: of each instance' },
    { flags: '--other-login <command or url>', help: 'the same as --login, of another user' },
    {
      flags: '--refresh <url>',
      help: 'takes a POST with {"refresh_token": …}, and answers tokens',
    },
    { flags: '--connection <url>', help: 'a WebSocket (ws:) or an event stream (http:)' },
    {
      flags: '--secret-from <variable>',
      help: 'environment variable with the issuer’s HMAC secret',
    },
    { flags: '--origin <origin>', help: 'the origin of the pages that log out' },
    { flags: '--stop-store <command>', help: 'stops the store of the logout' },
    { flags: '--start-store <command>', help: 'starts it again' },
    { flags: '--json [file]', help: 'report as JSON, to the file or in the place of the table' },
    { flags: '--junit [file]', help: 'report for CI as JUnit’s XML, likewise' },
  ],
  more: `
The doctor logs in and out many times, as users do, and tries to get in with what was logged out.
It sends requests to the addresses that you name, and to no other. The first three options are
needed; each further one makes more probes possible. Do not run it against production.

  npx cierre doctor --login http://127.0.0.1:8080/login --logout http://127.0.0.1:8080/logout \\
    --protected http://127.0.0.1:8080/me

Exit code: 0 nothing failed, 1 something did, 2 an outcome is unknown, or the doctor could not begin.
A probe that was not tried counts neither as passed nor as failed: the report says what it needs.

The file says more than the options, which win over it. Only login, logout and protected are needed:

  login:                              # or: login: a command that prints a token or JSON
    url: http://127.0.0.1:8080/login
    body: { user: alice, password: "\${ALICE_PASSWORD}" }   # JSON; form: {…} for a form
    token: data.access_token          # where it stands, unless it has a usual name; cookie:NAME
    refreshToken: data.refresh_token
  otherLogin: curl -s http://127.0.0.1:8080/login -d user=bob
  logout:                             # {token} is the token; a bearer if it stands nowhere
    url: http://127.0.0.1:8080/logout
    headers: { Authorization: "Bearer {token}" }
    body: { token: "{token}" }
  protected:
    - http://127.0.0.1:8080/me
    - { url: "http://127.0.0.1:8081/me", headers: { Cookie: "sid={token}" }, contains: alice }
  refresh: { url: "http://127.0.0.1:8080/refresh", body: { refresh_token: "{refreshToken}" } }
  connection: { url: "ws://127.0.0.1:8080/live", protocols: [bearer, "{token}"] }
  sign: { secret: "\${JWT_SECRET}" }  # or privateKey: a PEM text. For tokens without jti, expired …
  origin: https://app.example.com
  store: { stop: docker stop redis, start: docker start redis }
  limits:                             # and their defaults
    { requests: 1000, seconds: 300, answerSeconds: 5, delaySeconds: 5, watchSeconds: 10, outageSeconds: 6 }

delaySeconds: how long after a logout an address may still let its token in. watchSeconds: how long
a logged-out token is watched. \${NAME} is a variable of the environment.`,
  async run(io: Io, options: DoctorOptions) {
    // With it come the probes, which other commands do not wait for.
    const { runDoctor } = await import('./run-doctor.js')
    return runDoctor(io, options)
  },
}
