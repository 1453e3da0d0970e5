import { oneOf, text } from '../token/options.js'
import { fileContent, pathPrefix, port, socketPath } from './parsers.js'
import {
  checkVariables,
  clientVariables,
  issuerVariables,
  logVariables,
  tokenVariables,
} from './shared-variables.js'
import type { ValuesOf, Variable } from './variable.js'

/** Every environment variable of the agent, as `variables.ts` has those of the service. */
export const agentVariables = {
  AGENT_HOST: {
    section: 'Address',
    option: text,
    default: '127.0.0.1',
    help: 'Address to listen on for checks.',
  },
  AGENT_PORT: {
    option: port,
    default: '3001',
    help: 'Port to listen on for checks. With `AGENT_SOCKET` there is a port only if this is set.',
  },
  AGENT_SOCKET: {
    option: socketPath,
    help: 'Path of a Unix socket to listen on for checks, made with mode 0660. A stale socket file is replaced.',
  },
  AGENT_PREFIX: {
    option: pathPrefix,
    help: 'Only requests for this path and for paths below it are checks; any other gets 404. The path is compared as it was sent. When unset, every request is a check.',
  },
  AGENT_ADMIN_HOST: {
    option: text,
    default: '127.0.0.1',
    help: 'Address to listen on for `/health/live`, `/health/ready`, `/metrics` and `/oauth/introspect`.',
  },
  AGENT_ADMIN_PORT: { option: port, help: 'Port for these. When unset they are not served.' },
  CIERRE_URL: {
    section: 'The service',
    option: text,
    default: 'http://127.0.0.1:3000',
    help: 'Origin of the service whose feed the agent follows: `https:`, or `http:` on a loopback address.',
  },
  CIERRE_INSECURE: {
    option: oneOf([true, false]),
    default: 'false',
    help: 'With `true`, `CIERRE_URL` may be `http:` in a private network, too. Anyone in that network can then read the secret, and forge what the service says; a warning says so.',
  },
  CIERRE_CLIENT_ID: { option: text, help: 'Machine client that may read the `feed`.' },
  CIERRE_CLIENT_SECRET: { option: text, orFile: true, help: 'Secret of that machine client.' },
  CIERRE_CLIENT_KEY_FILE: {
    option: fileContent,
    help: 'File with the private key of that machine client (PEM or JWK), instead of a secret: it then authenticates by `private_key_jwt` (RFC 7523).',
  },
  CIERRE_AUDIENCE: {
    option: text,
    help: '`PUBLIC_URL` of the service, which the assertions of a private key are for, where it is not `CIERRE_URL`.',
  },
  ...issuerVariables,
  ...tokenVariables,
  ...checkVariables,
  ...clientVariables,
  ...logVariables,
} as const satisfies Record<string, Variable>

export type AgentValues = ValuesOf<typeof agentVariables>
