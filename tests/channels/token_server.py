"""A server that makes tokens (OAuth 2.0) for whom it knows, and tells mail servers whose they are (RFC 7662)."""

import json
import secrets
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CLIENT, SECRET, SCOPE = "callfloor-7", "client+geheim/9", "https://mail.example/.default offline_access"
REFRESH = "refresh.verborgen-1"
FORM = "application/x-www-form-urlencoded"


class TokenServer:
    """Listens on loopback, in threads; a port of its own, the same one each time that it is started.

    Args:
        keys: its certificate and key, where it is encrypted.

    """

    def __init__(self, keys=None):
        self.port, self.server, self.keys = 0, None, keys
        self.asked, self.introspected = [], []
        """What tokens were asked for with; and what mail servers asked of."""
        self.issued, self.told = {}, set()
        """Whose a token is and until when; and all that must never be told."""
        self.refresh, self.rotates = REFRESH, False
        self.user, self.life_s, self.size = "sales", 3600, 20
        self.says = None
        """Answers instead, of the handler."""
        self.over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.stop()

    def start(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                outer._token(self)

            def do_GET(self):
                outer._introspect(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.keys is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.keys)
            # The handshake is the thread's that serves: one that fails ends no others.
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def url(self):
        where = f"http://127.0.0.1:{self.port}" if self.keys is None else f"https://localhost:{self.port}"
        return f"{where}/token?tenant=acme"

    @property
    def introspection(self):
        return f"http://127.0.0.1:{self.port}/introspect"

    @property
    def settings(self):
        """Of a mailbox that has its tokens from here."""
        return f"oauth_url = {self.url}\noauth_client = {CLIENT}\noauth_secret = {SECRET}\noauth_scope = {SCOPE}\n"

    def secrets(self):
        return {SECRET, REFRESH, *self.told}

    def owner(self, token):
        """Tell whose a token is; None if it is not good."""
        user, until = self.issued.get(token, (None, 0))
        return user if time.monotonic() < until else None

    def _token(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"])).decode()
        form = {name: value for name, [value] in parse_qs(body).items()}
        self.asked.append(form)
        if self.says is not None:
            self.says(handler)
        elif urlsplit(handler.path).path != "/token" or handler.headers["content-type"] != FORM:
            answer(handler, 404, {})
        elif (form.get("client_id"), form.get("client_secret"), form.get("scope")) != (CLIENT, SECRET, SCOPE):
            said = {"error": "invalid_client", "error_description": f"{form.get('client_secret')} is\r\nwrong"}
            answer(handler, 401, said)
        elif form["grant_type"] == "client_credentials" and "refresh_token" not in form:
            answer(handler, 200, self._made())
        elif form["grant_type"] == "refresh_token" and form["refresh_token"] == self.refresh:
            made = self._made()
            if self.rotates:
                self.refresh = made["refresh_token"] = f"refresh.{secrets.token_urlsafe(20)}"
                self.told.add(self.refresh)
            answer(handler, 200, made)
        else:
            said = {"error": "invalid_grant", "error_description": f"no {form.get('refresh_token')}", "codes": [7]}
            answer(handler, 400, said)

    def _made(self):
        token = secrets.token_urlsafe(self.size)
        self.issued[token] = self.user, time.monotonic() + self.life_s
        self.told.add(token)
        return {"access_token": token, "token_type": "Bearer", "expires_in": str(self.life_s), "ext": {"a": []}}

    def _introspect(self, handler):
        token = handler.headers.get("authorization", "").removeprefix("Bearer ")
        user = self.owner(token)
        self.introspected.append(user)
        answer(handler, 200, {"active": True, "username": user} if user else {"active": False})


def answer(handler, status, said, **headers):
    """Send an answer; `said` is bytes, or becomes JSON."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    handler.send_response(status)
    for name, value in {"content-type": "application/json", "content-length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
