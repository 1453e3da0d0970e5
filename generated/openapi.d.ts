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
         * @description The body names the token to revoke: the bearer itself, or another valid token of the same issuer and subject. Every presented
         *     token is revoked: by its session if it names one in `sid` or the `sessionClaim` of its issuer (the other tokens of that session stop working too), else by itself. The
         *     service answers 200 only after the revocation is stored.
         *
         *     An expired token gets 403 only if everything else about it is in order. If it expired less than `EXPIRED_ENDS_SESSION_S` ago, the
         *     session that it names ends all the same. 500 means unknown: repeat. The repeat answers 200, or
         *     401 with `X-Error-Reason: revoked` if the first attempt arrived; in both cases the token is revoked.
         *
         *     A `refreshToken` in the body is handed to the revocation endpoint of the bearer's issuer (RFC 7009), once the revocation is stored
         *     and before the answer. `X-Upstream-Revocation` says how that ended. It is handed over with the 200, with a 401 that has
         *     `X-Error-Reason: revoked`, and with the 403 of an expired bearer, so repeating the request hands it over again. It is neither stored
         *     nor logged, and changes nothing of the answer but that header.
         *
         *     A 401 without `X-Error-Reason: revoked` does not say that the token is revoked. A genuine token whose `nbf` or `iat` is ahead by
         *     more than `MAX_CLOCK_SKEW_S` gets 401; its own `t:` key is stored first, so that no API accepts the token later. If the key set
         *     lacks the token's `kid`, the service waits up to 10 s for the next fetch: it answers 401 when that fetch lacks the `kid` too, and
         *     500 when there was no such fetch.
         *
         *     A genuine bearer whose body names no token gets 401 with `error="invalid_request"` and `X-Error-Reason: no_token_in_body`.
         *     With the scope `global`, a token without `sub` gets 400 (`no_subject`), and so does one that does not say when it was issued
         *     (`no_issued_at`): the tokens of the next login would be refused, too.
         *
         *     A sender-constrained token (`cnf`) may end itself under the scheme `Bearer` or `DPoP`, without a proof. With the scope
         *     `global` it gets 401 (`DPoP`, `error="invalid_dpop_proof"`).
         *
         *     Where `AUTH_COOKIE` names a cookie, a request without an `Authorization` header may present its token in that cookie, if its
         *     `Origin` is `PUBLIC_URL` or one of `CORS_ORIGINS`; with any other `Origin`, or none, the cookie does not count. Two cookies of
         *     that name are 401. The body may then be `{}`. A 200 expires the cookie, and so do a 403 and a 401 with `X-Error-Reason: revoked`
         *     whose token came from it.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check the bearer, for a reverse proxy that asks before it forwards a request
         * @description Verifies the token and checks that it is not revoked. Every method is the same question, at this path and at every path below it
         *     (`/api/v1/auth/verify/orders/7`), `OPTIONS` and `HEAD` too; a body is ignored.
         *
         *     A 200 always has all `X-Auth-` fields; a field is empty when there is nothing to say. A proxy must delete what a client sends
         *     under these names, with hyphens and with underscores. `X-Auth-As-Of` is the time up to which every revocation is known: the
         *     service answers from memory while its knowledge is at most `MAX_STALENESS_MS` old, and reads the store otherwise. An expired token
         *     gets 401 (RFC 6750 §3.1), and so does a sender-constrained token (`cnf`), unless `SENDER_CONSTRAINED=ignore`. 503 means unknown.
         */
        get: operations["verify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/backchannel-logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive a logout token of an OpenID provider
         * @description OpenID Connect Back-Channel Logout 1.0. All rules of §2.6 apply, `exp` and `jti` are required unless the issuer's
         *     `backchannelAllow` says otherwise, and `aud` must be or hold one of the issuer's `backchannelAudience`. `backchannelScope` says what
         *     ends. With `both`, the default, a logout token with a `sid` ends that session and the tokens of its `sub` that name no session
         *     (`n:`): other sessions go on. One without a `sid` ends every token of its `sub`. The cutoff is the logout token's `iat`, so a replay
         *     changes nothing: 200 (§2.7). Refused and replayed logout tokens are limited by address, others are not.
         */
        post: operations["backchannelLogout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/global-token-revocation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End every login of a user, for an identity provider or a security tool
         * @description Experimental: Global Token Revocation (draft-parecki-oauth-global-token-revocation-06; `subject` in the place of `sub_id` is that of
         *     draft 02), which Okta sends as Universal Logout. The sender is a transmitter of `TRANSMITTERS`, and the subject that of one of
         *     its `tokenIssuers`. Every token of the subject whose `iat` is not later than that of the sender's JWT is revoked, so the same request again
         *     changes nothing: 204.
         *
         *     404 means that no configured issuer has such a subject: `X-Error-Reason` is `unknown_issuer`, or `unsupported_format` of an identifier
         *     that names no subject here, such as an email address. Refused and repeated JWTs are limited by address, others are not.
         */
        post: operations["globalTokenRevocation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/oauth/introspect": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Whether a token is active
         * @description RFC 7662, for clients that may `introspect`. The service performs every check, including revocation. Every kind of inactive token
         *     gets the same answer. 503 means unknown, which is not inactive; so does 400 with `X-Error-Reason: too_long`, of a token that is longer
         *     than `MAX_TOKEN_LENGTH`. Unknown form members are ignored; a member that is sent twice is 400.
         */
        post: operations["introspect"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/oauth/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a token
         * @description RFC 7009, for clients that may `revoke`. 200 means that every API that asks this service or follows its feed refuses the token: its
         *     revocation is stored (also if the token only becomes valid later), or the token is malformed, not genuine or expired. 400
         *     `unsupported_token_type` means that the service cannot end the token: it is of an unknown issuer, for another audience, or of another
         *     kind. So does 400 `invalid_request` with `X-Error-Reason: too_long`. `token_type_hint` is ignored. 503 means unknown: repeat.
         */
        post: operations["revoke"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-authorization-server": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Where the OAuth endpoints are
         * @description RFC 8414. 404 while `PUBLIC_URL` is not set.
         */
        get: operations["metadata"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/revocations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Revoke a subject, a session, a token id or a token
         * @description For clients that may `revoke`. The operation is idempotent, and there is no undo: the set of revocations only grows until expiry. A
         *     client with `audiences` may only revoke tokens of its audiences, and must present them. If such a token names a session, the session
         *     is revoked, with its tokens for other audiences. The session data of the revoked subject, session or token is deleted
         *     too, except with a `cutoff`.
         *
         *     A name is that of one issuer, so `iss` is needed: exactly the `iss` of the tokens, or `null` where they have none. Another one would
         *     be stored under another key, and end nothing. It must be a configured issuer; where `JWT_ISSUER` is not set, the service cannot
         *     tell. A 400 says in `details` which member is wrong.
         */
        post: operations["createRevocation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/revocations/snapshot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Every live revocation, and the position it is complete up to
         * @description For clients that may read the `feed`. The service sends at most 4 snapshots at a time to one client and 32 in all; more get 429. A
         *     reader that takes less than 256 kB/s, averaged over 30 s, is cut off. The snapshot is binary; all numbers are big-endian:
         *
         *     | bytes | what |
         *     |---|---|
         *     | 8 | `43 49 45 52 52 45 00 03`: `CIERRE`, 0, and the version of the feed, 3 |
         *     | 2 | length *n* of the position |
         *     | *n* | the position, ASCII |
         *     | 25 each | records; after at most 2,048 of them the byte `23` and a checksum of 32 bytes, which may be followed by more records |
         *     | 1 | `00`: the end of the records |
         *     | 4 | number of records |
         *     | 32 | the last checksum |
         *
         *     Each checksum is the SHA-256 digest of the checksum before it, if there is one, and of all bytes since; the byte `23` is one of them. The
         *     last checksum therefore stands for the whole snapshot. A reader refuses a snapshot that does not match, and takes it again. It uses no
         *     record before the next checksum has confirmed that record. A reader that asks for version 2 gets the byte `02`, and neither the
         *     checksums nor the bytes `23`.
         *
         *     A record:
         *
         *     | bytes | what |
         *     |---|---|
         *     | 1 | kind: `74` t, `73` s, `75` u, `6a` j, `6e` n |
         *     | 16 | the key: what its 22 characters of base64url stand for |
         *     | 4 | expiry in epoch seconds; `ff ff ff ff` is never |
         *     | 4 | of a `u` or `n`: the cutoff in epoch seconds; else 0 |
         *
         *     A reader refuses a version that is newer than it knows; an instance of an earlier release sends version 2 or 1. It also refuses the
         *     whole snapshot if a record is of an unknown kind, because the snapshot is not complete without that record. A snapshot without its end was
         *     cut off, and is not complete up to any position.
         *
         *     The feed keeps about 100,000 events, and a large snapshot may take longer than they last. A reader therefore opens the event stream
         *     at the position as soon as it has that position, and applies events while the rest of the snapshot arrives; their order does not
         *     matter. The last event that it applied without a gap is its position once the snapshot is whole and its last checksum is right, and
         *     not before. If there is a gap meanwhile, it takes another snapshot. A record may come twice: the longer life and the later cutoff count, and the number
         *     of records counts it twice. A reader adds a snapshot to what it holds already, and never drops a revocation before its expiry.
         */
        get: operations["getSnapshot"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/revocations/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow the revocations from a position
         * @description For clients that may read the `feed`. The answer is Server-Sent Events (HTML Standard §9.2), **beginning with the event of the
         *     position**: its `id` is the position, so the first event shows that nothing is missing in between. If the first event is another
         *     one, or `gap`, the reader takes a snapshot, adds it to what it holds, and follows from its position.
         *
         *     | event | data |
         *     |---|---|
         *     | `revocation` | `{"key":"t:…","untilMs":1795231756000,"previous":"…"}`: it expires then (epoch milliseconds); `null` is never. A `u:` or `n:` has its `cutoff` in epoch seconds: its tokens with `iat` up to it, or without `iat`, are revoked |
         *     | `genesis` | `{}`, or `previous`: the first event of every feed |
         *     | `info-…` | any data, and `previous`: the event revokes nothing. Its position counts as applied; without `id` it has no position |
         *     | `gap` | `{}`: the feed does not have the position any more; the stream ends |
         *
         *     Every event after the first one of a stream has the position of the event before it, `previous`; instances of earlier releases send
         *     none. A reader that has not applied exactly that event has a gap, as after `gap`: something in between has lost, repeated or
         *     reordered events.
         *
         *     `gap` may come first or later. **An event of any other name may revoke tokens**: a reader that does not know the name must not skip
         *     the event, and is not fresh until it is upgraded. Events may repeat and overlap with what the reader holds: the longer life and the
         *     later cutoff count. After a broken connection the reader waits a moment and comes back with its last position. Comments come every
         *     10 s and only keep the connection open. Silence proves nothing: ask for the position. A reader that lags 1 MiB behind is cut off.
         */
        get: operations["followEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/revocations/position": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The last position of the feed
         * @description For clients that may read the `feed`. The service reads the position from the store after the request arrived. A reader that has
         *     applied this event and all events before it knows every revocation that got its 200 before the request was sent: this proves that
         *     the reader is fresh.
         *
         *     A reader asks once a second, and notes the time of a monotonic and of a wall clock before it asks. It is fresh as of that time once
         *     it has applied exactly this position. It may have had the position when it asked (that of a snapshot counts), have reached it since,
         *     or reach it later. Positions are never compared as numbers: after a loss the feed may have lower ones. If the last proof is
         *     older than 5 s by either clock, or the two clocks disagree by more than a second since, the answer to a check is *unknown*, which is not
         *     "not revoked".
         */
        get: operations["getPosition"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/revocations/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether a key is revoked, and until when
         * @description For clients that may `introspect`. The description of `feed` says how keys are made. The audit trail names them.
         */
        get: operations["getRevocation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The audit trail, newest first
         * @description For clients that may `audit`. A page may hold fewer events than `limit`, even none, although there are more: follow `cursor`
         *     until it is `null`. The events of a page fit every filter. The reading ends at events that the store took more than a day before
         *     `from`: the clocks of the instances and of the store must not differ by more.
         */
        get: operations["listAuditEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit/erasures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Delete the audit events that name a person
         * @description For clients that may `erase`. Deletes from the trail every event whose issuer and subject are these, whether that person sent the
         *     request or was its target, and says how many. The trail gets one event without the name. Revocations stay: they hold only
         *     hashes. Of a name that is longer than 1,024 characters the first 1,024 count, as in the trail.
         *
         *     The answer comes when the whole trail has been read, about 10 s for a million events. Events that are written meanwhile are not
         *     deleted. 503 means that some events may be deleted and others not: repeat. There is no undo.
         */
        post: operations["eraseSubject"];
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
         * @description Checks that the store answers within its deadline, that it does not evict revocations under memory pressure
         *     (`maxmemory_policy` is `noeviction`), that the keys of every issuer are loaded, and that this instance knows every revocation and
         *     follows the feed (the check `replica`). A value that cierre did not write under a key of a revocation fails the check `store`, whose
         *     `detail` names the key; an event that this version cannot read fails `replica` likewise. Persistence that is off is a warning,
         *     and so is a store that does not say whether it evicts. The result of a check is shared for one second.
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
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A page that says what this is, its version, whether it is ready, and what there is to read */
        get: operations["home"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document, as a page that sends requests
         * @description The page loads everything from this origin. 404 with `DOCS=off`.
         */
        get: operations["docs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{file}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A script or style sheet of the page at /docs */
        get: operations["docsFile"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A token to try things with
         * @description 200 only if the service made a throwaway key for this run: no key is configured, the service listens on a loopback address, and it
         *     does not run in production; and only where `Host` is a loopback name. Otherwise 404.
         */
        post: operations["developmentToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics for Prometheus
         * @description 404 in production, and if `METRICS_PORT` is set. With `METRICS_PORT` the metrics are at this path of that port. No label names a
         *     subject, a token or an address.
         */
        get: operations["metrics"];
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
            /** @description The JWT to revoke. Without it 401, unless the token came in the cookie of `AUTH_COOKIE`. */
            token?: string;
            /**
             * @description `local`, or absent: this session only. `global`: every token of the subject that was issued until now. A login within the next
             *     two seconds may be refused too, because `iat` counts whole seconds. Of the refresh tokens that the issuer holds, `refreshToken` ends one.
             * @enum {string}
             */
            scope?: "local" | "global";
            /**
             * @description The refresh token of this login, of any format. The issuer is asked to revoke it (RFC 7009). One that is longer than
             *     `MAX_TOKEN_LENGTH` gets 400 with `X-Error-Reason: too_long`, and nothing is revoked.
             */
            refreshToken?: string;
        };
        /**
         * @description Whether the issuer has revoked the refresh token of a logout.
         * @enum {string}
         */
        UpstreamRevocation: "revoked" | "refused" | "failed" | "unsupported";
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
        BadParameter: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Solicitud inválida";
            details?: components["schemas"]["RequestFaults"];
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
        UpgradeRequired: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Versión del feed no admitida";
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
        TransferCoding: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Codificación de transferencia no admitida";
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
        TokenAccepted: {
            /** @constant */
            success: true;
            /** @constant */
            message: "Token válido";
        };
        InvalidClient: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Cliente no autenticado";
        };
        NotPermitted: {
            /** @constant */
            success: false;
            /** @constant */
            message: "Operación no permitida";
        };
        OAuthInvalidRequest: {
            /** @constant */
            error: "invalid_request";
        };
        OAuthInvalidClient: {
            /** @constant */
            error: "invalid_client";
        };
        OAuthUnsupportedTokenType: {
            /** @constant */
            error: "unsupported_token_type";
        };
        OAuthUnauthorizedClient: {
            /** @constant */
            error: "unauthorized_client";
        };
        OAuthTemporarilyUnavailable: {
            /** @constant */
            error: "temporarily_unavailable";
        };
        /** @description Unknown members are ignored (RFC 6749 §3.2), but no member may be sent twice. */
        TokenForm: {
            /** @description The JWT. */
            token: string;
            /** @description Ignored. */
            token_type_hint?: string;
            /** @description `client_secret_post` (RFC 6749 §2.3.1). Beside HTTP Basic it must name the same client. */
            client_id?: string;
            /** @description `client_secret_post` (RFC 6749 §2.3.1). */
            client_secret?: string;
            /** @description `private_key_jwt` (RFC 7523 §2.2). */
            client_assertion?: string;
            /** @description `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`. */
            client_assertion_type?: string;
        } & {
            [key: string]: unknown;
        };
        /** @description Unknown members are ignored, but no member may be sent twice. */
        LogoutTokenForm: {
            /** @description A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). */
            logout_token: string;
        } & {
            [key: string]: unknown;
        };
        Introspection: components["schemas"]["Inactive"] | components["schemas"]["Active"];
        Inactive: {
            /** @constant */
            active: false;
        };
        /**
         * @description RFC 7662 §2.2. A claim that the token does not have, or has in another type, is left out. `sub`, `sid` and `aud` are the claims that
         *     the settings of the issuer name (`subjectClaim`, `sessionClaim`, `audienceClaim`). Beside these the answer has the claims that the
         *     client's entry in `CLIENTS` names in `claims`, unchanged.
         */
        Active: {
            /** @constant */
            active: true;
            /**
             * @description `DPoP` if `cnf` has a `jkt` (RFC 9449 §6.2).
             * @enum {string}
             */
            token_type: "Bearer" | "DPoP";
            /** @description Confirmation of a sender-constrained token, unchanged (RFC 7800, RFC 8705 §3.2). */
            cnf?: Record<string, never>;
            /** @description The scopes of `scope`, then of `scp`, each a text or an array, with blanks between them. */
            scope?: string;
            client_id?: string;
            username?: string;
            /** @description Epoch seconds. */
            exp?: number;
            /** @description Epoch seconds. */
            iat?: number;
            /** @description Epoch seconds. */
            nbf?: number;
            /** @description A number is its decimal digits. */
            sub?: string;
            /** @description Unchanged. */
            aud?: string | string[];
            iss?: string;
            jti?: components["schemas"]["UnchangedClaim"];
            sid?: components["schemas"]["UnchangedClaim"];
            azp?: components["schemas"]["UnchangedClaim"];
            acr?: components["schemas"]["UnchangedClaim"];
            auth_time?: components["schemas"]["UnchangedClaim"];
        } & {
            [key: string]: unknown;
        };
        /** @description The claim as the token has it. */
        UnchangedClaim: string | number;
        Metadata: {
            /** Format: uri */
            issuer: string;
            /** Format: uri */
            introspection_endpoint: string;
            introspection_endpoint_auth_methods_supported: components["schemas"]["ClientAuthMethods"];
            introspection_endpoint_auth_signing_alg_values_supported: components["schemas"]["SigningAlgorithms"];
            /** Format: uri */
            revocation_endpoint: string;
            revocation_endpoint_auth_methods_supported: components["schemas"]["ClientAuthMethods"];
            revocation_endpoint_auth_signing_alg_values_supported: components["schemas"]["SigningAlgorithms"];
            /**
             * Format: uri
             * @description Only where `TRANSMITTERS` is set.
             */
            global_token_revocation_endpoint?: string;
            response_types_supported: string[];
            grant_types_supported: string[];
        };
        ClientAuthMethods: ("client_secret_basic" | "client_secret_post" | "private_key_jwt")[];
        SigningAlgorithms: string[];
        /**
         * @description For the audit trail.
         * @enum {string}
         */
        RevocationReason: "user_logout" | "admin" | "password_change" | "compromised" | "account_disabled" | "replay";
        /** @description The claim as text; a number is its decimal digits. */
        ClaimText: string;
        /** @description Exact `iss` of the tokens; `null` states that they have none. Absent is 400. */
        IssuerName: string | null;
        /** @description What is wrong with the request. Nothing that the client has sent is repeated. */
        RequestFaults: {
            /** @description `query.`, `path.`, `header.` or `body.` and its name; `query` or `body` alone for what is unknown, sent twice or unreadable. */
            path: string;
            /** @description What the member must be, in English. */
            rule: string;
            /** @description The values that it may have, where these can be listed. For `body.iss` the configured issuers; empty where `JWT_ISSUER` is not set. */
            values?: string[];
        }[];
        RevocationRequest: components["schemas"]["SubjectRevocation"] | components["schemas"]["SessionRevocation"] | components["schemas"]["TokenIdRevocation"] | components["schemas"]["TokenRevocation"];
        SubjectRevocation: {
            iss?: components["schemas"]["IssuerName"];
            sub: components["schemas"]["ClaimText"];
            /** @description Epoch seconds, not in the future. Tokens issued until then are revoked. The default is now, rounded up. */
            cutoff?: number;
            reason: components["schemas"]["RevocationReason"];
        };
        SessionRevocation: {
            iss?: components["schemas"]["IssuerName"];
            sid: components["schemas"]["ClaimText"];
            reason: components["schemas"]["RevocationReason"];
        };
        TokenIdRevocation: {
            iss?: components["schemas"]["IssuerName"];
            jti: components["schemas"]["ClaimText"];
            /** @description `exp` of that token, in epoch seconds. */
            exp: number;
            reason: components["schemas"]["RevocationReason"];
        };
        TokenRevocation: {
            token: string;
            reason: components["schemas"]["RevocationReason"];
        };
        GlobalRevocationRequest: components["schemas"]["GlobalRevocation"] | components["schemas"]["GlobalRevocationOfDraft02"];
        GlobalRevocation: {
            sub_id: components["schemas"]["SubjectIdentifier"];
        };
        GlobalRevocationOfDraft02: {
            subject: components["schemas"]["SubjectIdentifier"];
        };
        /**
         * @description A subject identifier (RFC 9493). `iss` is exactly that of the subject's tokens. An `opaque` one is taken of a transmitter that has one token
         *     issuer, which it is then of. Every other format is 404.
         */
        SubjectIdentifier: {
            /** @description `iss_sub` or `opaque`. */
            format: string;
            /** @description Of `iss_sub`. */
            iss?: string;
            /** @description Of `iss_sub`: the claim that names the subject in the tokens of the issuer. */
            sub?: string;
            /** @description Of `opaque`: the same. */
            id?: string;
        };
        RevocationKey: string;
        /** @description When the revocation expires: after its token does, or, for a session or subject, after `SESSION_MAX_LIFETIME_S`. `null` is never. */
        KeptUntil: string | null;
        Revocation: {
            key: components["schemas"]["RevocationKey"];
            /**
             * Format: date-time
             * @description The cutoff of a subject, or else the time of the answer.
             */
            effectiveAt: string;
            keptUntil: components["schemas"]["KeptUntil"];
            /**
             * @description Only of a subject: its tokens without `iat` are refused until `keptUntil`, those of later logins, too, since no cutoff can tell
             *     them apart. With `CUTOFF_CLAIM=auth_time`, those without `iat` and `auth_time`.
             * @constant
             */
            tokensWithoutIssuedAt?: "refused";
        };
        RevocationState: {
            key: components["schemas"]["RevocationKey"];
            revoked: boolean;
            /** @description Only of `u:` and `n:`: tokens issued until then (epoch seconds) are revoked. */
            cutoff?: number;
            /**
             * @description Only beside `cutoff`, the claim that is compared with it: that of the issuer of `iss`, or of all issuers if they have the same.
             *     Of a token without `auth_time`, its `iat` is.
             * @enum {string}
             */
            cutoffClaim?: "iat" | "auth_time";
            /** @description Which claims of the issuer's tokens `s:`, `u:` and `n:` keys are made of, and cutoffs compared with. */
            claims?: {
                /** @description The first that counts names the session. */
                session: string[];
                subject: string;
                /** @enum {string} */
                cutoff: "iat" | "auth_time";
            };
            keptUntil?: components["schemas"]["KeptUntil"];
        };
        FeedPosition: {
            /** @description The id of the event in the stream, a dot, and its key, `genesis`, or the name of an informational event. */
            position: string;
            /** @description The claims from which the service makes keys. A reader that makes its own keys from other claims misses revocations. Left out where it would have more than 32 KiB. */
            issuers?: components["schemas"]["IssuerClaims"][];
        };
        IssuerClaims: {
            /** @description The exact `iss`, where one `{claim}` may stand for a claim of the token; `null` where any `iss` is taken. */
            issuer: string | null;
            /** @description The claims that name the session; the first that counts does. */
            sessionClaim: string[];
            subjectClaim: string;
            /** @enum {string} */
            cutoffClaim: "iat" | "auth_time";
        };
        /**
         * @description A name of the OWASP Application Logging Vocabulary.
         * @enum {string}
         */
        AuditEventName: "authn_token_revoked" | "authn_token_reuse" | "authn_login_fail" | "session_use_after_expire" | "authz_fail" | "input_validation_fail" | "excess_rate_limit_exceeded" | "sensitive_delete";
        AuditEvent: {
            /** Format: date-time */
            time: string;
            event: components["schemas"]["AuditEventName"];
            /** @enum {string} */
            outcome: "success" | "refused" | "unknown";
            reason: string;
            requestId: string;
            /** @description The id of the machine client that sent the request, or the issuer of the transmitter. */
            client?: string;
            issuer?: string;
            subject?: string;
            keys?: components["schemas"]["RevocationKey"][];
            upstreamRevocation?: components["schemas"]["UpstreamRevocation"];
            address?: string;
            userAgent?: string;
            /** @description Only of an erasure: how many events it deleted. */
            erased?: number;
        };
        AuditPage: {
            events: components["schemas"]["AuditEvent"][];
            cursor: string | null;
        };
        ErasureRequest: {
            iss: components["schemas"]["IssuerName"];
            sub: components["schemas"]["ClaimText"];
        };
        Erasure: {
            /** @description How many events this request has deleted. */
            erased: number;
        };
        DevelopmentToken: {
            token: string;
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
        HealthNotReady: {
            /** @constant */
            status: "not_ready";
            checks: components["schemas"]["Checks"];
        };
        Checks: components["schemas"]["Check"][];
        Check: {
            /** @enum {string} */
            name: "store" | "eviction" | "persistence" | "keys" | "replica";
            /**
             * @description The service is not ready if a check other than persistence is `failed` or `unknown`.
             * @enum {string}
             */
            status: "ok" | "warning" | "failed" | "unknown";
            /** @description What is in the way, where only an operator can remove it, such as the key of a value that cierre did not write. */
            detail?: string;
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
        /** @description The client has this content already, according to its `If-None-Match`. */
        NotModified: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                ETag: components["headers"]["ETag"];
                Vary: components["headers"]["VaryEncoding"];
                [name: string]: unknown;
            };
            content?: never;
        };
        /** @description The request has a member that the contract does not know, or a bad parameter, or is not HTTP. */
        BadRequest: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["BadRequest"];
            };
        };
        /** @description A parameter or a member of the body is wrong, unknown, missing or sent twice, as `details` says; or the request is not HTTP. */
        BadParameter: {
            headers: {
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["BadParameter"];
            };
        };
        /** @description The body has a member that is wrong, unknown or missing, as `details` says; or the request is not HTTP. */
        RevocationRefused: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["BadParameter"];
            };
        };
        /** @description The body has a member that is wrong, unknown or missing, as `details` says; or the request is not HTTP. */
        SubjectRefused: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["BadParameter"];
            };
        };
        /** @description The subject is of an issuer that is not among the `tokenIssuers` of the transmitter. */
        SubjectNotPermitted: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "WWW-Authenticate": components["headers"]["Challenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["NotPermitted"];
            };
        };
        /** @description No configured issuer has such a subject; or the contract does not have this path. */
        SubjectNotFound: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["NotFound"];
            };
        };
        /** @description There is no token, or it is malformed, not genuine, not acceptable here, or already revoked. */
        InvalidToken: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "WWW-Authenticate": components["headers"]["Challenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["InvalidToken"];
            };
        };
        /** @description There is no token, or it is malformed, not genuine, not acceptable here, or already revoked. */
        LogoutRefused: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "WWW-Authenticate": components["headers"]["Challenge"];
                "Set-Cookie": components["headers"]["ExpiredAuthCookie"];
                "X-Upstream-Revocation": components["headers"]["UpstreamRevocation"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["InvalidToken"];
            };
        };
        /** @description The token has expired; everything else about it is in order. */
        ExpiredToken: {
            headers: {
                "Set-Cookie": components["headers"]["ExpiredAuthCookie"];
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "WWW-Authenticate": components["headers"]["Challenge"];
                "X-Upstream-Revocation": components["headers"]["UpstreamRevocation"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["ExpiredToken"];
            };
        };
        /** @description The contract does not have this path. Case and a trailing slash matter. */
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
        /** @description The path does not have the method. */
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
        /** @description The request did not arrive completely in time. The connection is closed. */
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
        /** @description The body is larger than 64 KiB. */
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
        /** @description The body has another media type, or a `Content-Encoding`. */
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
        /** @description The reader's version of the feed lacks kinds that revoke (RFC 9110 §15.5.22). The reader is not fresh until it is upgraded. */
        UpgradeRequired: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                Upgrade: components["headers"]["Upgrade"];
                Connection: components["headers"]["ConnectionUpgrade"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["UpgradeRequired"];
            };
        };
        /** @description There were too many requests from this address, or of this subject. */
        TooManyRequests: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "Retry-After": components["headers"]["RetryAfter"];
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimitPolicy"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["TooManyRequests"];
            };
        };
        /** @description The header section is larger than 32 KiB. The connection is closed. */
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
        /** @description A transfer coding other than `chunked` (RFC 9112 §6.1). The connection is closed. */
        TransferCoding: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["TransferCoding"];
            };
        };
        /** @description It is unknown whether the token is revoked. Repeating is safe. */
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
        /** @description The answer is unknown, because a part that is needed does not answer. Repeating is safe. */
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
        /** @description The service is not ready, or cannot tell. */
        NotReady: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["HealthNotReady"] | components["schemas"]["Unavailable"];
            };
        };
        /** @description There are no credentials of a client, or they are wrong. */
        InvalidClient: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "WWW-Authenticate": components["headers"]["ClientChallenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["InvalidClient"];
            };
        };
        /** @description The client does not have the permission. */
        NotPermitted: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "WWW-Authenticate": components["headers"]["ClientChallenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["NotPermitted"];
            };
        };
        /** @description A member is missing, unreadable or sent twice, or the request is not HTTP. */
        OAuthBadRequest: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidRequest"] | components["schemas"]["BadRequest"];
            };
        };
        /** @description The service cannot end this token (RFC 7009 §2.2.1), a member is missing, unreadable or sent twice, or the request is not HTTP. */
        OAuthUnsupportedToken: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthUnsupportedTokenType"] | components["schemas"]["OAuthInvalidRequest"] | components["schemas"]["BadRequest"];
            };
        };
        /** @description There are no credentials of a client, or they are wrong. */
        OAuthInvalidClient: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "WWW-Authenticate": components["headers"]["ClientChallenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidClient"];
            };
        };
        /** @description The client does not have the permission. */
        OAuthNotPermitted: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "X-Error-Reason": components["headers"]["ErrorReason"];
                "WWW-Authenticate": components["headers"]["ClientChallenge"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthUnauthorizedClient"];
            };
        };
        /** @description The contract does not have this path. */
        OAuthNotFound: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidRequest"];
            };
        };
        /** @description The path does not have the method. */
        OAuthMethodNotAllowed: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                Allow: components["headers"]["Allow"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidRequest"];
            };
        };
        /** @description The body is larger than 64 KiB. */
        OAuthBodyTooLarge: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidRequest"];
            };
        };
        /** @description A transfer coding other than `chunked` (RFC 9112 §6.1). The connection is closed. */
        OAuthTransferCoding: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidRequest"];
            };
        };
        /** @description The body is not a form, or has a `Content-Encoding`. */
        OAuthUnsupportedMediaType: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthInvalidRequest"];
            };
        };
        /** @description There were too many requests from this address. */
        OAuthTooManyRequests: {
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
                "application/json": components["schemas"]["OAuthTemporarilyUnavailable"];
            };
        };
        /** @description The answer is unknown, because a part that is needed does not answer. Repeating is safe. */
        OAuthUnavailable: {
            headers: {
                "Cache-Control": components["headers"]["NoStore"];
                "X-Content-Type-Options": components["headers"]["NoSniff"];
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["OAuthTemporarilyUnavailable"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description A claim of the token in percent-encoded UTF-8; empty when the token does not have the claim. Scope, subject and session are as in introspection.
         * @example alice
         */
        AuthClaim: string;
        /**
         * @description The claims of the token that `AUTH_CLAIMS` names, as a JSON object in base64url without padding (RFC 4648 §5); empty when
         *     `AUTH_CLAIMS` is not set. Claims that take more than 4 KiB get 503.
         * @example eyJyb2xlIjoiYWRtaW4ifQ
         */
        AuthClaims: string;
        /**
         * @description The time up to which every revocation is known (RFC 3339, UTC, with milliseconds).
         * @example 2026-11-25T12:00:00.000Z
         */
        AuthAsOf: string;
        /** @description HTTP Basic (RFC 7617). */
        ClientChallenge: "Basic realm=\"cierre\"";
        /**
         * @description The cookie of `AUTH_COOKIE`, expired, where the token came from it and has expired or is revoked.
         * @example access_token=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT
         */
        ExpiredAuthCookie: string;
        /**
         * @description Why the request is refused, as one word of a closed list, which may grow. The header is sent only to a caller whose token is
         *     genuine, and to machine clients, with every refusal (400 to 429) after the caller is known; 500 and 503 are no refusals.
         *     `invalid_token` and `too_long` are about the token of the body, `invalid_member` is about a part of the request. `revoked` means that the bearer is revoked already; it says nothing about other tokens. No other
         *     401 or 403 means that a token is revoked.
         * @example revoked
         */
        ErrorReason: "revoked" | "expired" | "other_holder" | "no_token_in_body" | "no_subject" | "no_issued_at" | "sender_constrained" | "too_long" | "not_permitted" | "other_audience" | "unknown_issuer" | "unsupported_format" | "invalid_member" | "invalid_token" | "not_yet_valid" | "too_many_requests" | "unsupported_version";
        /**
         * @description Whether the issuer has revoked the `refreshToken` of the request, only where the request had one. `revoked`: the issuer has
         *     confirmed it; it also confirms a token that it does not know (RFC 7009 §2.2). `refused`: the issuer refuses the request, and would
         *     refuse a repeat, too. `failed`: there was neither answer within `UPSTREAM_TIMEOUT_MS`; repeat the request to hand the token over again. `unsupported`: no revocation endpoint of the issuer is configured, or in its metadata.
         * @example revoked
         */
        UpstreamRevocation: components["schemas"]["UpstreamRevocation"];
        /**
         * @description The caller's `X-Request-Id` if it has 1 to 64 characters of `A-Z a-z 0-9 . _ -`, else a new one.
         * @example 3f0c1f8e-6d0b-4a55-9f6e-0d4f6b6f2f11
         */
        RequestId: string;
        /** @description Caches must not store the answer. */
        NoStore: "no-store";
        /** @description A cache may store the answer, and asks again with its `ETag` before each use. */
        Revalidate: "no-cache";
        /** @description A cache may store the answer, and asks again with its `ETag` after ten minutes. */
        TenMinutes: "public, max-age=600";
        /**
         * @description A strong tag, different for each content coding. A request with this tag in `If-None-Match` gets 304 (RFC 9110 §13.1.2).
         * @example "C2nNYEvs5Y02GzKzyRrLLg"
         */
        ETag: string;
        /**
         * @description The service chooses the coding by `Accept-Encoding` (RFC 9110 §12.5.3).
         * @example Accept-Encoding
         */
        VaryEncoding: string;
        /**
         * @description Absent when the content is not encoded.
         * @example br
         */
        ContentEncoding: "br" | "gzip";
        /** @description Caches must not store the answer, and proxies must not change it. */
        NoTransform: "no-store, no-transform";
        /** @description The media type is as stated. */
        NoSniff: "nosniff";
        /**
         * @description RFC 6750 §3. The challenge has `error` and `error_description` only if credentials were sent. The scheme is `DPoP` (RFC 9449
         *     §7.1) if a proof is missing.
         * @example Bearer realm="cierre"
         */
        Challenge: string;
        /**
         * @description The methods of this path.
         * @example POST, OPTIONS
         */
        Allow: string;
        /**
         * @description Seconds to wait before a repeat (RFC 9110 §10.2.3).
         * @example 1
         */
        RetryAfter: string;
        /**
         * @description The version of the feed that this service sends. A reader of an older one may do, if it knows every kind that revokes.
         * @example cierre-feed/3
         */
        Upgrade: string;
        /**
         * @description Names `Upgrade`, as RFC 9110 §7.8 requires.
         * @example Upgrade
         */
        ConnectionUpgrade: "Upgrade";
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
                     * @description Over HTTPS only; the value of `CLEAR_SITE_DATA`.
                     * @example "storage"
                     */
                    "Clear-Site-Data"?: string;
                    "X-Upstream-Revocation": components["headers"]["UpstreamRevocation"];
                    /**
                     * @description One line for each cookie of `SESSION_COOKIES` and for that of `AUTH_COOKIE`, expired.
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
            401: components["responses"]["LogoutRefused"];
            403: components["responses"]["ExpiredToken"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            500: components["responses"]["InternalError"];
            501: components["responses"]["TransferCoding"];
        };
    };
    verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The token is in order, and not revoked. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    "X-Auth-Subject": components["headers"]["AuthClaim"];
                    "X-Auth-Issuer": components["headers"]["AuthClaim"];
                    "X-Auth-Session": components["headers"]["AuthClaim"];
                    "X-Auth-Scope": components["headers"]["AuthClaim"];
                    "X-Auth-Claims": components["headers"]["AuthClaims"];
                    "X-Auth-As-Of": components["headers"]["AuthAsOf"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenAccepted"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["InvalidToken"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    backchannelLogout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["LogoutTokenForm"];
            };
        };
        responses: {
            /** @description The revocation is stored. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["OAuthBadRequest"];
            404: components["responses"]["OAuthNotFound"];
            405: components["responses"]["OAuthMethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["OAuthBodyTooLarge"];
            415: components["responses"]["OAuthUnsupportedMediaType"];
            429: components["responses"]["OAuthTooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["OAuthTransferCoding"];
            503: components["responses"]["OAuthUnavailable"];
        };
    };
    globalTokenRevocation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GlobalRevocationRequest"];
            };
        };
        responses: {
            /** @description The revocation is stored. */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["SubjectRefused"];
            401: components["responses"]["InvalidToken"];
            403: components["responses"]["SubjectNotPermitted"];
            404: components["responses"]["SubjectNotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    introspect: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["TokenForm"];
            };
        };
        responses: {
            /** @description Whether the token is active. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Introspection"];
                };
            };
            400: components["responses"]["OAuthBadRequest"];
            401: components["responses"]["OAuthInvalidClient"];
            403: components["responses"]["OAuthNotPermitted"];
            404: components["responses"]["OAuthNotFound"];
            405: components["responses"]["OAuthMethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["OAuthBodyTooLarge"];
            415: components["responses"]["OAuthUnsupportedMediaType"];
            429: components["responses"]["OAuthTooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["OAuthTransferCoding"];
            503: components["responses"]["OAuthUnavailable"];
        };
    };
    revoke: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/x-www-form-urlencoded": components["schemas"]["TokenForm"];
            };
        };
        responses: {
            /** @description The token does not work any more. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["OAuthUnsupportedToken"];
            401: components["responses"]["OAuthInvalidClient"];
            403: components["responses"]["OAuthNotPermitted"];
            404: components["responses"]["OAuthNotFound"];
            405: components["responses"]["OAuthMethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["OAuthBodyTooLarge"];
            415: components["responses"]["OAuthUnsupportedMediaType"];
            429: components["responses"]["OAuthTooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["OAuthTransferCoding"];
            503: components["responses"]["OAuthUnavailable"];
        };
    };
    metadata: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The metadata. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Metadata"];
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    createRevocation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RevocationRequest"];
            };
        };
        responses: {
            /** @description The revocation is stored. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Revocation"];
                };
            };
            400: components["responses"]["RevocationRefused"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    getSnapshot: {
        parameters: {
            query?: {
                /**
                 * @description The version of the feed that the reader knows.
                 * @example 3
                 */
                version?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A snapshot. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoTransform"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": string;
                };
            };
            400: components["responses"]["BadParameter"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            426: components["responses"]["UpgradeRequired"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    followEvents: {
        parameters: {
            query?: {
                /**
                 * @description The position. Required unless `Last-Event-ID` has one, which takes precedence.
                 * @example 1795228156000-0.genesis
                 */
                from?: string;
                /**
                 * @description The version of the feed that the reader knows.
                 * @example 3
                 */
                version?: number;
            };
            header?: {
                /**
                 * @description The position, as EventSource sends it when it reconnects.
                 * @example 1795228156000-0.genesis
                 */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events. The stream does not end by itself. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoTransform"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    /**
                     * @description Tells nginx not to buffer the stream.
                     * @example no
                     */
                    "X-Accel-Buffering": "no";
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["BadParameter"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            426: components["responses"]["UpgradeRequired"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    getPosition: {
        parameters: {
            query?: {
                /**
                 * @description The version of the feed that the reader knows.
                 * @example 3
                 */
                version?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The position. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FeedPosition"];
                };
            };
            400: components["responses"]["BadParameter"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            426: components["responses"]["UpgradeRequired"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    getRevocation: {
        parameters: {
            query?: {
                /**
                 * @description The `iss` of the token that is asked about, empty if it has none. The answer then has `claims`, if that issuer is configured.
                 * @example https://issuer.test
                 */
                iss?: string;
            };
            header?: never;
            path: {
                /**
                 * @description A kind and 22 characters of base64url.
                 * @example s:STZdE5UhiKXu7dz9QIFjCA
                 */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Whether the key is revoked. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevocationState"];
                };
            };
            400: components["responses"]["BadParameter"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    listAuditEvents: {
        parameters: {
            query?: {
                /**
                 * @description Exact `sub`.
                 * @example alice
                 */
                subject?: string;
                /**
                 * @description Key of a revocation.
                 * @example s:STZdE5UhiKXu7dz9QIFjCA
                 */
                key?: string;
                /**
                 * @description Name of the event.
                 * @example authn_token_revoked
                 */
                event?: "authn_token_revoked" | "authn_token_reuse" | "authn_login_fail" | "session_use_after_expire" | "authz_fail" | "input_validation_fail" | "excess_rate_limit_exceeded" | "sensitive_delete";
                /**
                 * @description Id of the machine client that sent the request.
                 * @example ops
                 */
                client?: string;
                /**
                 * @description Exact `reason`, such as `logout` or `password_change`.
                 * @example logout
                 */
                reason?: string;
                /**
                 * @description The oldest time, with its offset (RFC 3339).
                 * @example 2026-11-21T00:00:00Z
                 */
                from?: string;
                /**
                 * @description The newest time, with its offset (RFC 3339).
                 * @example 2026-11-22T00:00:00Z
                 */
                to?: string;
                /**
                 * @description The most events on a page.
                 * @example 100
                 */
                limit?: number;
                /**
                 * @description `cursor` of the previous page.
                 * @example 1795228156000-0
                 */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page of events. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            400: components["responses"]["BadParameter"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    eraseSubject: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ErasureRequest"];
            };
        };
        responses: {
            /** @description The events are deleted. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Erasure"];
                };
            };
            400: components["responses"]["BadParameter"];
            401: components["responses"]["InvalidClient"];
            403: components["responses"]["NotPermitted"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            413: components["responses"]["BodyTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["TooManyRequests"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
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
            /** @description The process answers. */
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
            501: components["responses"]["TransferCoding"];
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
            /** @description The service is ready. */
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
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["NotReady"];
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
                    "Cache-Control": components["headers"]["Revalidate"];
                    ETag: components["headers"]["ETag"];
                    Vary: components["headers"]["VaryEncoding"];
                    "Content-Encoding": components["headers"]["ContentEncoding"];
                    [name: string]: unknown;
                };
                content: {
                    "application/yaml": string;
                };
            };
            304: components["responses"]["NotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
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
                    ETag: components["headers"]["ETag"];
                    Vary: components["headers"]["VaryEncoding"];
                    "Content-Encoding": components["headers"]["ContentEncoding"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenApiDocument"];
                };
            };
            304: components["responses"]["NotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    home: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. It is 200 also while the service is not ready. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    "Cache-Control": components["headers"]["Revalidate"];
                    ETag: components["headers"]["ETag"];
                    Vary: components["headers"]["VaryEncoding"];
                    "Content-Encoding": components["headers"]["ContentEncoding"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            304: components["responses"]["NotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    docs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    "Cache-Control": components["headers"]["Revalidate"];
                    ETag: components["headers"]["ETag"];
                    Vary: components["headers"]["VaryEncoding"];
                    "Content-Encoding": components["headers"]["ContentEncoding"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            304: components["responses"]["NotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    docsFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description A file name.
                 * @example reference.js
                 */
                file: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    "Cache-Control": components["headers"]["TenMinutes"];
                    ETag: components["headers"]["ETag"];
                    Vary: components["headers"]["VaryEncoding"];
                    "Content-Encoding": components["headers"]["ContentEncoding"];
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                    "text/css": string;
                };
            };
            304: components["responses"]["NotModified"];
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    developmentToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A token that this service accepts for an hour. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DevelopmentToken"];
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
    metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Metrics in Prometheus's text format 0.0.4. */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "Cache-Control": components["headers"]["NoStore"];
                    "X-Content-Type-Options": components["headers"]["NoSniff"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: components["responses"]["BadRequest"];
            404: components["responses"]["NotFound"];
            405: components["responses"]["MethodNotAllowed"];
            408: components["responses"]["RequestTimeout"];
            431: components["responses"]["HeadersTooLarge"];
            501: components["responses"]["TransferCoding"];
            503: components["responses"]["Unavailable"];
        };
    };
}
