// Made from openapi.yaml by `npm run generate`.
export interface paths {
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke the presented token and end its session
         * @description The body names the token to revoke: the bearer itself, or another valid token of the same issuer and subject. Every token
         *     presented is revoked: by its session if it has a `sid` (sibling tokens of that session die too), else by itself. The
         *     answer 200 is sent only after the revocation is stored.
         *
         *     An expired token gets 403 only if everything else about it is in order. 500 means unknown: repeat; the repeat answers
         *     200, or 401 if the first attempt arrived, and either way the token is dead.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process answers */
        get: operations["live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether a logout would succeed now
         * @description Checks that the store answers within its deadline, that it may not forget revocations under memory pressure
         *     (`maxmemory_policy` is `noeviction`), and that the keys of every issuer are loaded. Persistence that is off is a warning.
         *     Results are shared for one second.
         */
        get: operations["ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.yaml": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document, as YAML */
        get: operations["contractYaml"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document, as JSON */
        get: operations["contractJson"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        LogoutRequest: {
            /** @description The JWT to revoke. */
            token: string;
        };
        LoggedOut: {
            /** @constant */
            success: true;
            /** @constant */
            message: "Sesión cerrada exitosamente";
        };
        BadRequest: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Solicitud inválida";
        };
        InvalidToken: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Token no proporcionado o inválido";
        };
        ExpiredToken: {
            /** @constant */
            success: false;
            /** @constant */
            message: "El token ha expirado";
        };
        NotFound: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Recurso no encontrado";
        };
        MethodNotAllowed: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Método no permitido";
        };
        RequestTimeout: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Tiempo de espera agotado";
        };
        BodyTooLarge: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Cuerpo de la solicitud demasiado grande";
        };
        UnsupportedMediaType: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Tipo de contenido no admitido";
        };
        TooManyRequests: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Demasiadas solicitudes";
        };
        HeadersTooLarge: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Cabeceras de la solicitud demasiado grandes";
        };
        InternalError: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Error interno del servidor";
        };
        Unavailable: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Servicio no disponible temporalmente";
        };
        Liveness: {
            /** @constant */
            status: "live";
        };
        Ready: {
            /** @constant */
            status: "ready";
            checks: components["schemas"]["Checks"];
        };
        NotReady: {
            /** @constant */
            status: "not_ready";
            checks: components["schemas"]["Checks"];
        };
        Checks: components["schemas"]["Check"][];
        Check: {
            /** @enum {string} */
            name: "store" | "eviction" | "persistence" | "keys";
            /**
             * @description Only `failed` and `unknown` of a check other than persistence make the service not ready.
             * @enum {string}
             */
            status: "ok" | "warning" | "failed" | "unknown";
        };
        /** @description An OpenAPI 3.1 document. */
        OpenApiDocument: {
            openapi: string;
            info: Record<string, never>;
            servers?: Record<string, never>[];
            tags?: Record<string, never>[];
            security?: Record<string, never>[];
            paths: Record<string, never>;
            components: Record<string, never>;
        };
    };
    responses: {
        /** @description A member the contract does not know, a bad parameter, or a request that is not HTTP. */
        BadRequest: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["BadRequest"];
            };
        };
        /** @description No token, or one that is malformed, not genuine, not acceptable here, or already revoked. */
        InvalidToken: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "WWW-Authenticate": components["headers"]["Challenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["InvalidToken"];
            };
        };
        /** @description A token that is in order except that it has expired. */
        ExpiredToken: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "WWW-Authenticate": components["headers"]["Challenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ExpiredToken"];
            };
        };
        /** @description The path is not spelled exactly as here (case and trailing slash count). */
        NotFound: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["NotFound"];
            };
        };
        /** @description The path does not know the method. */
        MethodNotAllowed: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                Allow: components["headers"]["Allow"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["MethodNotAllowed"];
            };
        };
        /** @description The request did not arrive whole in time. The connection is closed. */
        RequestTimeout: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["RequestTimeout"];
            };
        };
        /** @description The body is larger than 32 KiB. */
        BodyTooLarge: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["BodyTooLarge"];
            };
        };
        /** @description The body is of another media type, or has a `Content-Encoding`. */
        UnsupportedMediaType: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["UnsupportedMediaType"];
            };
        };
        /** @description Too many requests of this address, or of this subject. */
        TooManyRequests: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfter"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["TooManyRequests"];
            };
        };
        /** @description The header section is larger than 16 KiB. The connection is closed. */
        HeadersTooLarge: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["HeadersTooLarge"];
            };
        };
        /** @description Unknown whether the token is revoked. Repeating is safe. */
        InternalError: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["InternalError"];
            };
        };
        /** @description Unknown, because a part that would know does not answer. Repeating is safe. */
        Unavailable: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Unavailable"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description The caller's `X-Request-Id` when it is 1 to 64 of `A-Z a-z 0-9 . _ -`, else a fresh one.
         * @example 3f0c1f8e-6d0b-4a55-9f6e-0d4f6b6f2f11
         */
        RequestId: string;
        /** @description Nothing that this service says may be kept. */
        NoStore: "no-store";
        /** @description The type is what it says. */
        NoSniff: "nosniff";
        /**
         * @description RFC 6750 §3. `error` and `error_description` only when credentials were sent.
         * @example Bearer realm="cierre"
         */
        Challenge: string;
        /**
         * @description The methods that this path knows.
         * @example POST, OPTIONS
         */
        Allow: string;
        /**
         * @description Seconds to wait before repeating (RFC 9110 §10.2.3).
         * @example 1
         */
        RetryAfter: string;
        /**
         * @description What is left of each policy that was applied, `r` requests in `t` seconds (draft-ietf-httpapi-ratelimit-headers).
         * @example "address";r=299;t=60
         */
        RateLimit: string;
        /**
         * @description The policies, `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers).
         * @example "address";q=300;w=60, "subject";q=30;w=60
         */
        RateLimitPolicy: string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LogoutRequest"];
            };
        };
        responses: {
            /** @description The revocation is stored. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                    /**
                     * @description Over HTTPS only, as `CLEAR_SITE_DATA` says.
                     * @example "storage"
                     */
                    "Clear-Site-Data"?: string;
                    /**
                     * @description One line for each cookie of `SESSION_COOKIES`, expired.
                     * @example sid=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT
                     */
                    "Set-Cookie"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoggedOut"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["InvalidToken"];
            403: components["responses"]["ExpiredToken"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
        };
    };
    live: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It does. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Liveness"];
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    ready: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            /** @description Not ready, or unable to tell. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NotReady"] | components["schemas"]["Unavailable"];
                };
            };
        };
    };
    contractYaml: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The contract. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": string;
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
    contractJson: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The contract. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenApiDocument"];
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            503: components["responses"]["Unavailable"];
        };
    };
}
