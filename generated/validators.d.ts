// Made from openapi.yaml by `npm run generate`.
export type Validator = ((body: unknown) => boolean) & { errors?: readonly { instancePath: string; keyword: string }[] | null }
/** By operationId and media type. */
export declare const requestBodies: Readonly<Record<string, Validator>>
/** By operationId, status, and media type or `nothing`. */
export declare const responseBodies: Readonly<Record<string, Validator>>
