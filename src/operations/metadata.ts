import { ServiceError } from '../errors.js'
import type { Operation } from './operation.js'

const authMethods: ('client_secret_basic' | 'client_secret_post')[] = [
  'client_secret_basic',
  'client_secret_post',
]

/**
 * RFC 8414. The origin is configured, because a client could choose an origin that is taken from
 * its request.
 */
export const metadata =
  ({ publicUrl }: { publicUrl: string | undefined }): Operation<'metadata'> =>
  async () => {
    if (publicUrl === undefined) throw new ServiceError('not_found')
    return {
      status: 200,
      body: {
        issuer: publicUrl,
        introspection_endpoint: `${publicUrl}/oauth/introspect`,
        introspection_endpoint_auth_methods_supported: authMethods,
        revocation_endpoint: `${publicUrl}/oauth/revoke`,
        revocation_endpoint_auth_methods_supported: authMethods,
        response_types_supported: [],
        grant_types_supported: [],
      },
    }
  }
