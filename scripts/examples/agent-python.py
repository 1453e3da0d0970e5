# An API in Python's standard library (WSGI). The agent checks each request, over its Unix socket.
import http.client
import socket
from wsgiref.simple_server import make_server


def api(environ, start_response):
    agent = http.client.HTTPConnection("agent")
    try:
        with socket.socket(socket.AF_UNIX) as agent.sock:
            agent.sock.settimeout(2)
            agent.sock.connect("/run/cierre/agent.sock")
            agent.request("GET", "/", headers={"Authorization": environ.get("HTTP_AUTHORIZATION", "")})
            check = agent.getresponse()
    except (OSError, http.client.HTTPException):
        start_response("503 Service Unavailable", [("Retry-After", "1")])
        return []
    answered = [field for field in check.getheaders() if field[0] in ("WWW-Authenticate", "Retry-After")]
    start_response(f"{check.status} {check.reason}", answered)
    return [check.headers["X-Auth-Subject"].encode() if check.status == 200 else check.read()]


make_server("127.0.0.1", 8080, api).serve_forever()
