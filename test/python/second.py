"""A second, independent client of the 'cierre' revocation feed, written from its openapi.yaml alone.

    second.py vectors FILE               check test vectors
    second.py rules                      merge entries and judge a token, line by line on stdin
    second.py follow ORIGIN CLIENT_ID    follow the feed and judge the tokens on stdin (secret: $CLIENT_SECRET)
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import re
import struct
import sys
import threading
import time
from urllib.parse import quote, urlsplit

B64 = '[A-Za-z0-9_-]'
SEGMENT = f'(?:{B64}{{4}})*(?:{B64}[AQgw]|{B64}{{2}}[AEIMQUYcgkosw048])?'
TOKEN = re.compile(rf'{SEGMENT}\.{SEGMENT}\.{SEGMENT}')
KEY = re.compile(rf'[tsujn]:{B64}{{22}}')
INFO = re.compile(r'info-[a-z0-9-]{1,64}')
POSITION = re.compile(rf'[0-9]{{1,16}}-[0-9]{{1,16}}\.(genesis|{INFO.pattern}|[tsujn]:{B64}{{22}})')
VERSION = 3
NEVER = float('inf')


# ---- encodings, the gate and the keys

def unb64(text):
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def load_json(text):
    """Parse JSON as JavaScript would: no NaN, and no integers beyond what a double holds exactly."""
    def refuse(name):
        raise ValueError(f'not JSON: {name}')
    return json.loads(text, parse_constant=refuse, parse_int=lambda s: int(s) if len(s) <= 15 else float(s))


def gate(token):
    """Whether the token has its one canonical spelling."""
    return isinstance(token, str) and len(token) <= 16384 and TOKEN.fullmatch(token) is not None and '' not in token.split('.')


def claims_of(token):
    """The payload of a token that has passed the gate; ValueError unless it is a JSON object."""
    claims = load_json(unb64(token.split('.')[1]).decode('utf-8'))
    if not isinstance(claims, dict):
        raise ValueError('the payload is no object')
    return claims


def utf8(claim):
    """The claim in UTF-8: a non-empty well-formed string, or the decimal digits of an integer of at most 2^53 - 1; None if it counts as absent."""
    if isinstance(claim, (int, float)) and not isinstance(claim, bool):
        is_integer = float(claim).is_integer() and abs(claim) < 2**53
        return str(int(claim)).encode() if is_integer else None
    if not isinstance(claim, str) or claim == '':
        return None
    try:
        return claim.encode('utf-8')
    except UnicodeEncodeError:
        return None


def make_key(kind, preimage):
    """The name of a revocation: its kind and 16 bytes of SHA-256."""
    return f'{kind}:{base64.urlsafe_b64encode(hashlib.sha256(preimage).digest()[:16]).decode().rstrip("=")}'


def claim_key(kind, iss, claim):
    """The key of kind s, u, j or n; None if the claim counts as absent. An issuer that counts as absent is empty."""
    issuer, value = utf8(iss) or b'', utf8(claim)
    if value is None:
        return None
    label = {'s': b'jwt-session\0', 'u': b'jwt-subject\0', 'j': b'jwt-id\0', 'n': b'jwt-subject-no-session\0'}[kind]
    return make_key(kind, label + struct.pack('>II', len(issuer), len(value)) + issuer + value)


def token_keys(token, claims):
    """All keys of a token, by kind; n only if the token names no session."""
    keys = {'t': make_key('t', b'jwt-signing-input\0' + token.rpartition('.')[0].encode())}
    for kind, name in (('s', 'sid'), ('u', 'sub'), ('j', 'jti'), ('n', 'sub')):
        key = claim_key(kind, claims.get('iss'), claims.get(name))
        if key is not None and not (kind == 'n' and 's' in keys):
            keys[kind] = key
    return keys


# ---- signatures

CURVES = {  # crv: p, b, n, Gx, Gy; a is -3 everywhere
    'P-256': (2**256 - 2**224 + 2**192 + 2**96 - 1,
              0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b,
              0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551,
              0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
              0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5),
    'P-384': (2**384 - 2**128 - 2**96 + 2**32 - 1,
              0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef,
              0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973,
              0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7,
              0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f),
    'P-521': (2**521 - 1,
              0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00,
              0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409,
              0xc6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66,
              0x11839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650),
}
ED_P = 2**255 - 19
ED_L = 2**252 + 27742317777372353535851937790883648493
ED_D = -121665 * pow(121666, -1, ED_P) % ED_P


def combine(add, zero, i, P, j, Q):
    """i·P + j·Q by Shamir's trick, in the group with this addition."""
    table, total = (zero, P, Q, add(P, Q)), zero
    for bit in range(max(i.bit_length(), j.bit_length()) - 1, -1, -1):
        total = add(total, total)
        choice = (i >> bit & 1) + 2 * (j >> bit & 1)
        if choice:
            total = add(total, table[choice])
    return total


def weierstrass_add(p):
    """Addition in Jacobian coordinates on y² = x³ - 3x + b; Z = 0 is infinity."""
    def add(P, Q):
        (x1, y1, z1), (x2, y2, z2) = P, Q
        if not z1 or not z2:
            return Q if not z1 else P
        zz1, zz2 = z1 * z1 % p, z2 * z2 % p
        u1, s1 = x1 * zz2 % p, y1 * z2 * zz2 % p
        h, r = (x2 * zz1 - u1) % p, (y2 * z1 * zz1 - s1) % p
        if h:
            hh = h * h % p
            hhh, v = h * hh % p, u1 * hh % p
            x = (r * r - hhh - 2 * v) % p
            return x, (r * (v - x) - s1 * hhh) % p, z1 * z2 * h % p
        if r or not y1:
            return 1, 1, 0
        yy = y1 * y1 % p
        s, m = 4 * x1 * yy % p, 3 * (x1 - zz1) * (x1 + zz1) % p
        x = (m * m - 2 * s) % p
        return x, (m * (s - x) - 8 * yy * yy) % p, 2 * y1 * z1 % p
    return add


def verify_ecdsa(jwk, digest, signature, crv):
    """ECDSA with the signature r‖s."""
    p, b, n, gx, gy = CURVES[crv]
    size = (p.bit_length() + 7) // 8
    x, y = (int.from_bytes(unb64(jwk[c])) for c in 'xy')
    if jwk['crv'] != crv or len(signature) != 2 * size or max(x, y) >= p or (y * y - x**3 + 3 * x - b) % p:
        return False
    r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    if not (0 < r < n and 0 < s < n):
        return False
    e, w = int.from_bytes(digest) >> max(0, 8 * len(digest) - n.bit_length()), pow(s, -1, n)
    X, _, Z = combine(weierstrass_add(p), (1, 1, 0), e * w % n, (gx, gy, 1), r * w % n, (x, y, 1))
    return Z != 0 and X * pow(Z, -2, p) % p % n == r


def edwards_add(P, Q):
    """Addition in extended coordinates on Ed25519 (RFC 8032 §5.1.4)."""
    a, b = (P[1] - P[0]) * (Q[1] - Q[0]) % ED_P, (P[1] + P[0]) * (Q[1] + Q[0]) % ED_P
    c, d = 2 * P[3] * Q[3] * ED_D % ED_P, 2 * P[2] * Q[2] % ED_P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % ED_P, g * h % ED_P, f * g % ED_P, e * h % ED_P


def edwards_point(encoded):
    """Decompress a point of Ed25519; None if there is none."""
    y = int.from_bytes(encoded, 'little')
    sign, y = y >> 255, y & (2**255 - 1)
    xx = (y * y - 1) * pow(ED_D * y * y + 1, -1, ED_P) % ED_P
    x = pow(xx, (ED_P + 3) // 8, ED_P)
    if x * x % ED_P != xx:
        x = x * pow(2, (ED_P - 1) // 4, ED_P) % ED_P
    if y >= ED_P or x * x % ED_P != xx or (x == 0 and sign):
        return None
    x = ED_P - x if x & 1 != sign else x
    return x, y, 1, x * y % ED_P


ED_B = edwards_point((4 * pow(5, -1, ED_P) % ED_P).to_bytes(32, 'little'))


def verify_ed25519(jwk, message, signature):
    """EdDSA on Ed25519, without cofactor: R must be the encoding of S·B - k·A."""
    public = unb64(jwk['x'])
    if jwk['crv'] != 'Ed25519' or len(public) != 32 or len(signature) != 64:
        return False
    A, S = edwards_point(public), int.from_bytes(signature[32:], 'little')
    if A is None or S >= ED_L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), 'little') % ED_L
    minus_A = (ED_P - A[0], A[1], 1, ED_P - A[3])
    X, Y, Z, _ = combine(edwards_add, (0, 1, 1, 0), S, ED_B, k, minus_A)
    x, y = (c * pow(Z, -1, ED_P) % ED_P for c in (X, Y))
    return hmac.compare_digest((y | (x & 1) << 255).to_bytes(32, 'little'), signature[:32])


def verify_rsa(jwk, digest, signature, hash_name, pss):
    """RSASSA-PKCS1-v1_5, or RSASSA-PSS with a salt as long as the hash (RFC 8017)."""
    n, e = (int.from_bytes(unb64(jwk[c])) for c in 'ne')
    size, s = (n.bit_length() + 7) // 8, int.from_bytes(signature)
    if len(signature) != size or s >= n:
        return False
    recovered, length = pow(s, e, n), len(digest)
    if not pss:
        info = bytes.fromhex({'sha256': '3031300d060960864801650304020105000420',
                              'sha384': '3041300d060960864801650304020205000430',
                              'sha512': '3051300d060960864801650304020305000440'}[hash_name]) + digest
        return recovered.to_bytes(size) == b'\0\1' + b'\xff' * (size - len(info) - 3) + b'\0' + info
    bits = n.bit_length() - 1
    if recovered.bit_length() > bits or (bits + 7) // 8 < 2 * length + 2:
        return False
    em = recovered.to_bytes((bits + 7) // 8)
    masked, h = em[:-length - 1], em[-length - 1:-1]
    mask = b''.join(hashlib.new(hash_name, h + struct.pack('>I', i)).digest() for i in range(-(-len(masked) // length)))
    unmasked = int.from_bytes(masked) ^ int.from_bytes(mask[:len(masked)])
    db = (unmasked & ((1 << bits - 8 * (length + 1)) - 1)).to_bytes(len(masked))
    padding, salt = db[:-length], db[-length:]
    return (em[-1] == 0xbc and padding == bytes(len(padding) - 1) + b'\1'
            and hashlib.new(hash_name, bytes(8) + digest + salt).digest() == h)


def verify(algorithm, jwk, message, signature):
    """Whether the signature is the key's, under exactly this algorithm."""
    family, bits = algorithm[:2], algorithm[2:]
    kty = {'HS': 'oct', 'RS': 'RSA', 'PS': 'RSA', 'ES': 'EC', 'Ed': 'OKP'}[family]
    if jwk['kty'] != kty:
        return False
    if algorithm in ('EdDSA', 'Ed25519'):
        return verify_ed25519(jwk, message, signature)
    hash_name = {'256': 'sha256', '384': 'sha384', '512': 'sha512'}[bits]
    if family == 'HS':
        return hmac.compare_digest(hmac.digest(unb64(jwk['k']), message, hash_name), signature)
    digest = hashlib.new(hash_name, message).digest()
    if family == 'ES':
        return verify_ecdsa(jwk, digest, signature, {'256': 'P-256', '384': 'P-384', '512': 'P-521'}[bits])
    return verify_rsa(jwk, digest, signature, hash_name, pss=family == 'PS')


# ---- what is revoked

def records_of(data, start, has_checksums):
    """The bytes of the records of a snapshot, and its 4 bytes that count them; ValueError unless it is whole and matches its checksums."""
    records, checksum, checked, at = bytearray(), b'', 0, start
    while True:
        mark = data[at:at + 1]
        size = {b'\0': 5, b'#': 1 if has_checksums else 25}.get(bytes(mark), 25)
        if not mark or len(data) < at + size:
            raise ValueError('the snapshot was cut off')
        at += size
        if mark not in (b'\0', b'#') or size == 25:
            records += data[at - 25:at]
            continue
        if has_checksums:
            checksum = hashlib.sha256(checksum + data[checked:at]).digest()
            if data[at:at + 32] != checksum:
                raise ValueError('the snapshot does not match its checksum')
            checked = at = at + 32
        if mark == b'\0':
            if at != len(data):
                raise ValueError('something follows the end of the snapshot')
            return records, data[at - (36 if has_checksums else 4):][:4]


def parse_snapshot(data):
    """The position and the [(key, untilMs, cutoff)] of a snapshot; ValueError unless it is whole."""
    data = memoryview(data)
    if len(data) < 15 or data[:7] != b'CIERRE\0':
        raise ValueError('no snapshot')
    if not 1 <= data[7] <= VERSION:
        raise Unreadable(f'a snapshot of version {data[7]}')
    start = 10 + struct.unpack_from('>H', data, 8)[0]
    records, end = records_of(data, start, has_checksums=data[7] >= 3)
    count, rest = divmod(len(records), 25)
    if rest or struct.unpack('>I', end)[0] != count:
        raise ValueError('the snapshot was cut off')
    position = bytes(data[10:start]).decode('ascii')
    if not POSITION.fullmatch(position):
        raise ValueError('the snapshot has no position')
    entries = []
    for kind, key, expiry, cutoff in struct.iter_unpack('>c16sII', records):
        if kind not in (b't', b's', b'u', b'j', b'n') or (kind not in (b'u', b'n') and cutoff):
            raise Unreadable('a record of the snapshot is of an unknown kind, or malformed')
        name = f'{kind.decode()}:{base64.urlsafe_b64encode(key).decode().rstrip("=")}'
        entries.append((name, None if expiry == 0xffffffff else expiry * 1000, cutoff if kind in (b'u', b'n') else None))
    return position, entries


def entry_of(item):
    """(key, untilMs, cutoff) of an entry in JSON; ValueError if it is malformed."""
    key, until, cutoff = item['key'], item['untilMs'], item.get('cutoff')
    if not (isinstance(key, str) and KEY.fullmatch(key) and (until is None or type(until) in (int, float))):
        raise ValueError('malformed entry')
    if (type(cutoff) not in (int, float)) if key[0] in 'un' else (cutoff is not None):
        raise ValueError('malformed cutoff')
    return key, until, cutoff


def previous_of(data):
    """The position of the event before, as the data of an event names it; None if it names none. The data of an informational event may be anything."""
    try:
        content = load_json(data)
    except (ValueError, RecursionError):
        return None
    return content.get('previous') if isinstance(content, dict) else None


class Revocations:
    """A set that only grows: joining takes the longer life and the later cutoff. What has expired is passed over, not removed."""

    def __init__(self, entries=()):
        self.held = {}
        for entry in entries:
            self.join(*entry)

    def join(self, key, until, cutoff):
        """Learn one entry; a life of None is endless."""
        until = NEVER if until is None else until
        known_until, known_cutoff = self.held.get(key, (until, cutoff))
        self.held[key] = max(until, known_until), None if cutoff is None else max(cutoff, known_cutoff)

    def revoked(self, token, claims, now_ms):
        """Whether an entry that lives on after now_ms revokes the token. An iat that is no number counts as absent."""
        iat = claims.get('iat')
        for kind, key in token_keys(token, claims).items():
            until, cutoff = self.held.get(key, (-NEVER, None))
            if until > now_ms and (kind not in ('u', 'n') or type(iat) not in (int, float) or iat <= cutoff):
                return True
        return False


# ---- mode 1: vectors

def run_vectors(path):
    """Check every assertion of the file; returns the exit status."""
    with open(path, encoding='utf-8') as file:
        vectors = load_json(file.read())
    passed, failures = 0, []

    def check(name, actual, expected=True):
        nonlocal passed
        try:
            value = actual()
        except Exception as error:
            value = f'{type(error).__name__}: {error}'
        if type(value) is type(expected) and value == expected:
            passed += 1
        else:
            failures.append(f'{ascii(name)}: got {ascii(value)}, expected {ascii(expected)}')

    for vector in vectors.get('gate', []):
        check(f'gate {vector["name"]}', lambda: gate(vector['token']), vector['accepted'])

    for index, vector in enumerate(vectors.get('tokens', [])):
        name, token, algorithm = f'token {index} {vector["algorithm"]}', vector['token'], vector['algorithm']
        check(f'{name}: gate', lambda: gate(token))
        message, _, signature = token.rpartition('.')
        message, signature = message.encode(), unb64(signature)
        check(f'{name}: signature', lambda: verify(algorithm, vector['jwk'], message, signature))
        for at, bit in ((0, 0x80), (-1, 1)):
            flipped = bytearray(signature)
            flipped[at] ^= bit
            check(f'{name}: flipped bit', lambda: verify(algorithm, vector['jwk'], message, bytes(flipped)), False)
        check(f'{name}: claims', lambda: claims_of(token), vector['claims'])
        keys = token_keys(token, vector['claims'])
        expected = vector['keys']
        if isinstance(expected, list):
            check(f'{name}: keys', lambda: sorted(keys.values()), sorted(expected))
        else:
            check(f'{name}: keys', lambda: keys, expected)

    for index, vector in enumerate(vectors.get('keys', [])):
        check(f'key {index} {vector["kind"]}', lambda: claim_key(vector['kind'], vector['iss'], vector['claim']), vector['key'])

    for vector in vectors.get('numbers', []):
        check(f'number {vector["json"]}', lambda: claim_key(vector['kind'], vector['iss'], load_json(vector['json'])), vector['key'])

    if 'snapshot' in vectors:
        snapshot = vectors['snapshot']
        data = memoryview(base64.b64decode(snapshot['base64']))
        expected = Revocations(map(entry_of, snapshot['entries'])).held
        check('snapshot: position', lambda: parse_snapshot(data)[0], snapshot['position'])
        check('snapshot: entries', lambda: Revocations(parse_snapshot(data)[1]).held, expected)

        def refused_bytes(given):
            try:
                parse_snapshot(given)
            except ValueError:
                return True
            return False

        def refused(length):
            return refused_bytes(data[:length])
        for length in range(len(data)):
            check(f'snapshot cut off at {length}', lambda: refused(length))
        for bit in range(len(data) * 8):
            wrong = bytearray(data)
            wrong[bit // 8] ^= 1 << bit % 8
            check(f'snapshot with bit {bit} wrong', lambda: refused_bytes(wrong))

    for vector in vectors.get('checks', []):
        check(f'check {vector["name"]}', lambda: Revocations(map(entry_of, vector['entries'])).revoked(
            vector['token'], claims_of(vector['token']), -1), vector['revoked'])

    print('\n'.join(failures) if failures else f'ok {passed}')
    return 1 if failures else 0


# ---- mode 2: rules

def run_rules():
    """For each line {entries, token, nowMs}: what is held after merging the entries, and whether the token is revoked."""
    for line in sys.stdin:
        case = load_json(line)
        revocations = Revocations(map(entry_of, case['entries']))
        held = {key: [None if until == NEVER else until, cutoff] for key, (until, cutoff) in revocations.held.items()}
        revoked = revocations.revoked(case['token'], claims_of(case['token']), case['nowMs'])
        print(json.dumps({'held': held, 'revoked': revoked}), flush=True)
    return 0


# ---- mode 3: follow

FRESH_S = float(os.environ.get('FRESH_S', 5))
PROBE_S, RETRY_S = 1, 0.3


def sse_events(read):
    """Parse Server-Sent Events (HTML Standard §9.2) into (id, event, data); `read` returns b'' at the end."""
    pending, after_cr, first, last_id, name, data = b'', False, True, '', '', []
    while chunk := read():
        if after_cr and chunk.startswith(b'\n'):
            chunk = chunk[1:]
        after_cr = chunk.endswith(b'\r')
        *lines, pending = re.split(rb'\r\n|\r|\n', pending + chunk)
        for raw in lines:
            line = (raw.removeprefix(b'\xef\xbb\xbf') if first else raw).decode('utf-8', 'replace')
            first = False
            if not line:
                if data:
                    yield last_id, name or 'message', '\n'.join(data)
                name, data = '', []
                continue
            field, _, value = line.partition(':')
            value = value.removeprefix(' ')
            if field == 'event':
                name = value
            elif field == 'data':
                data.append(value)
            elif field == 'id' and '\0' not in value:
                last_id = value


class Unreadable(ValueError):
    """The feed has what this version cannot read, and which may revoke tokens."""


class Follower:
    """Holds the revocations of one service, and knows as of when."""

    def __init__(self, origin, client_id, secret):
        self.origin = urlsplit(origin)
        basic = f'{quote(client_id, safe="")}:{quote(secret, safe="")}'
        self.authorization = 'Basic ' + base64.b64encode(basic.encode()).decode()
        self.lock = threading.Lock()
        self.revocations = Revocations()
        self.position = None
        self.since_asking = set()
        self.awaited = {}
        self.fresh_as_of = None
        self.can_read = True
        self.announced = False
        self.blinded = 0
        self.complaint = None

    def complain(self, what, error):
        """Tell stderr what went wrong, once in a row."""
        complaint = f'{what}: {type(error).__name__}: {error}'
        if complaint != self.complaint:
            print(complaint, file=sys.stderr, flush=True)
        self.complaint = complaint

    def get(self, path, timeout, use):
        """GET a path of the feed, of the version that is read here, and let `use` read the answer, which must be a 200."""
        kind = http.client.HTTPSConnection if self.origin.scheme == 'https' else http.client.HTTPConnection
        connection = kind(self.origin.hostname, self.origin.port, timeout=timeout)
        try:
            versioned = f'{path}{"&" if "?" in path else "?"}version={VERSION}'
            connection.request('GET', f'/api/v1/revocations/{versioned}', headers={'Authorization': self.authorization})
            response = connection.getresponse()
            if response.status == 426:
                raise Unreadable(f'{path.partition("?")[0]} answered 426: upgrade to {response.getheader("Upgrade")}')
            if response.status != 200:
                raise ValueError(f'{path.partition("?")[0]} answered {response.status}')
            return use(response)
        finally:
            connection.close()

    def go_stale(self, can_read):
        """Nothing is fresh before it is proved anew; unless the events can be read, not before they have been read again."""
        with self.lock:
            self.blinded += 1
            self.can_read = self.can_read and can_read
            self.fresh_as_of = None
            self.awaited.clear()

    def apply(self, position, entries):
        """Join the entries; from now on everything up to the position is held."""
        with self.lock:
            for entry in entries:
                self.revocations.join(*entry)
            self.position = position
            self.since_asking.add(position)
            if position in self.awaited:
                self.proved(self.awaited.pop(position))

    def proved(self, moment):
        """Freshness as of this (monotonic, wall) moment is proved; the lock is held."""
        if not self.announced:
            print('fresh', flush=True)
        self.announced = True
        self.fresh_as_of = max(moment, self.fresh_as_of or moment)

    def follow_once(self):
        """Apply events until the connection ends; returns whether a snapshot is needed to go on."""
        def consume(response):
            expected = self.position
            applied = None
            for position, name, data in sse_events(lambda: response.read1(65536)):
                if name == 'gap' or (expected not in (None, position) and not INFO.fullmatch(name)):
                    return True
                if INFO.fullmatch(name) and position.partition('.')[2] != name:
                    continue
                if not (name in ('genesis', 'revocation') or INFO.fullmatch(name)) or not POSITION.fullmatch(position):
                    raise Unreadable(f'event {name} at {position!r} is not understood')
                previous = previous_of(data)
                if applied is not None and previous not in (None, applied):
                    return True
                entries = [entry_of(load_json(data))] if name == 'revocation' else []
                if position.partition('.')[2] != (entries[0][0] if entries else name):
                    raise Unreadable(f'event at {position!r} has another key')
                expected, applied = None, position
                self.can_read = True
                self.apply(position, entries)
            return False
        return self.get(f'events?from={quote(self.position, safe="")}', 25, consume)

    def follow(self):
        """Thread: a snapshot, then the events, for ever."""
        need_snapshot = True
        while True:
            try:
                if need_snapshot:
                    self.apply(*parse_snapshot(self.get('snapshot', 10, lambda response: response.read())))
                    need_snapshot = False
                need_snapshot = self.follow_once()
            except Exception as error:
                if isinstance(error, Unreadable):
                    self.go_stale(can_read=False)
                self.complain('following', error)
            time.sleep(RETRY_S)

    def probe(self):
        """Thread: ask once a second for the position. The moment counts from before asking, once that very position is applied."""
        while True:
            moment = time.monotonic(), time.time()
            with self.lock:
                self.since_asking, blinded = {self.position}, self.blinded
            try:
                last = load_json(self.get('position', 3, lambda response: response.read()))['position']
                if not POSITION.fullmatch(last):
                    raise ValueError('no position')
                with self.lock:
                    self.awaited = {p: m for p, m in self.awaited.items() if m[0] > moment[0] - FRESH_S}
                    if self.blinded != blinded or not self.can_read:
                        pass
                    elif last in self.since_asking:
                        self.proved(moment)
                    else:
                        self.awaited[last] = moment
            except Exception as error:
                if isinstance(error, Unreadable):
                    self.go_stale(can_read=True)
                self.complain('probing', error)
            time.sleep(max(0.0, moment[0] + PROBE_S - time.monotonic()))

    def judge(self, token):
        """malformed, revoked, active, or unknown if what is held is too old; what is known to be revoked stays so."""
        if not gate(token):
            return 'malformed'
        try:
            claims = claims_of(token)
        except (ValueError, RecursionError):
            return 'malformed'
        with self.lock:
            if self.revocations.revoked(token, claims, time.time() * 1000):
                return 'revoked'
            proof = self.fresh_as_of
        by_clock = (0, 0) if proof is None else (time.monotonic() - proof[0], time.time() - proof[1])
        stale = proof is None or max(by_clock) > FRESH_S or abs(by_clock[0] - by_clock[1]) > 1
        return 'unknown' if stale else 'active'


def run_follow(origin, client_id):
    """Judge the tokens on stdin, line by line, until its end."""
    follower = Follower(origin, client_id, os.environ['CLIENT_SECRET'])
    for work in (follower.follow, follower.probe):
        threading.Thread(target=work, daemon=True).start()
    for line in sys.stdin.buffer:
        print(follower.judge(line.decode('latin-1').removesuffix('\n')), flush=True)
    return 0


if __name__ == '__main__':
    match sys.argv[1:]:
        case ['vectors', path]:
            sys.exit(run_vectors(path))
        case ['rules']:
            sys.exit(run_rules())
        case ['follow', origin, client_id]:
            sys.exit(run_follow(origin, client_id))
        case _:
            sys.exit(__doc__)
