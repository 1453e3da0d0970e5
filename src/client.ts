export {
  createClient,
  type ContractAnswer,
  type ErrorReason,
  type Unreachable,
  type MachineCredentials,
  type LogoutResult,
  type IntrospectionResult,
  type RevocationResult,
  type RevocationRequest,
  type ClientOptions,
  type Client,
} from './client/client.js'
