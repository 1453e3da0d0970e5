// Made from openapi.yaml by `npm run generate`.
export type Validator = ((body: unknown) => boolean) & { errors?: readonly { instancePath: string; keyword: string }[] | null }
/** By operationId, status, and media type or `nothing`. */
export declare const responseBodies: Readonly<Record<string, Validator>>
