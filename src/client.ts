export {
  createClient,
  type MachineCredentials,
  type LogoutResult,
  type IntrospectionResult,
  type RevocationResult,
  type RevocationRequest,
  type ClientOptions,
  type Client,
} from './client/client.js'
export type {
  ContractAnswer,
  ErrorReason,
  Unreachable,
  UpstreamRevocation,
} from './client/contract-answer.js'
