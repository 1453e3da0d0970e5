import { ServiceError } from '../errors.js'
import type { components } from '../../generated/openapi.js'
import { globalRevocationPath } from '../signals/transmitters.js'
import { publicKeyAlgorithms } from '../token/key-material.js'
import type { Operation } from './operation.js'

const authMethods: components['schemas']['ClientAuthMethods'] = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
]
const signingAlgorithms = [...publicKeyAlgorithms]

type Parts = Readonly<{ publicUrl: string | undefined; hasTransmitters: () => boolean }>

/**
 * RFC 8414. The origin is configured, because a client could choose an origin that is taken from
 * its request.
 */
export const metadata =
  ({ publicUrl, hasTransmitters }: Parts): Operation<'metadata'> =>
  async () => {
    if (publicUrl === undefined) throw new ServiceError('not_found')
    return {
      status: 200,
      body: {
        issuer: publicUrl,
        introspection_endpoint: `${publicUrl}/oauth/introspect`,
        introspection_endpoint_auth_methods_supported: authMethods,
        introspection_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
        revocation_endpoint: `${publicUrl}/oauth/revoke`,
        revocation_endpoint_auth_methods_supported: authMethods,
        revocation_endpoint_auth_signing_alg_values_supported: signingAlgorithms,
        ...(hasTransmitters() && {
          global_token_revocation_endpoint: `${publicUrl}${globalRevocationPath}`,
        }),
        response_types_supported: [],
        grant_types_supported: [],
      },
    }
  }
