"""A university's identity providers in a process of their own: django-mama-cas and django-oidc-provider.

Both really run: their pages ask for user and password, their tickets and tokens are their own. OpenID Connect keeps
the claims of scopes out of ID tokens, as its section 5.4 has it where an access token is given.
"""

import re
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx

from tests.waiting import PATIENCE_S

BACK = "https://gate.example/console/staff-sign-in/complete"
CLIENT, SECRET = "campusgate", "a+b %c:d/é"
PASSWORD = "a quiet evening at the university"
PEOPLE = {"F0001": "1", "20260001": "2", "F0404": "3"}
"""Users, and the number that an attribute of theirs holds in another form."""


@dataclass(frozen=True)
class University:
    """Where it is: a CAS server at `/cas`, an issuer at `/oidc`."""

    address: str

    def visit(self, address: str, user: str) -> dict[str, str]:
        """Be the browser of somebody who signs in there: what comes back to `BACK`."""
        with httpx.Client(timeout=PATIENCE_S, trust_env=False) as browser:
            answer = browser.get(address)
            while not (brought := answer.headers.get("location", "")).startswith(BACK):
                if answer.is_redirect:
                    answer = browser.get(answer.url.join(brought))
                    continue
                form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
                assert form, answer.text
                given = {"username": user, "password": PASSWORD}
                answer = browser.post(answer.url, data=form | given)
        parts = urlsplit(brought)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return query | ({"state": parts.path.rpartition("/")[2]} if "ticket" in query else {})


def serve(pipe: Connection) -> None:
    """Run the providers until the pipe is closed; it is told the port when they answer."""
    _configure()
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    _populate()

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        server.timeout = 0.05
        pipe.send(server.server_port)
        while not pipe.poll():
            server.handle_request()


def _configure() -> None:
    from django.conf import settings

    apps = ("auth", "contenttypes", "sessions")
    settings.configure(
        SECRET_KEY="of the university in tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="tests.accounts.university_addresses",
        INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "mama_cas", "oidc_provider"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
            }
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        MIGRATION_MODULES=dict.fromkeys([*apps, "mama_cas", "oidc_provider"]),
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        LOGGING_CONFIG=None,
        LOGIN_URL="/login/",
        MAMA_CAS_SERVICES=[
            {
                "SERVICE": rf"^{re.escape(BACK)}/[\w-]+$",
                "CALLBACKS": ["tests.accounts.university_addresses.attributes"],
            }
        ],
        OIDC_USERINFO="tests.accounts.university_addresses.claims",
    )


def _populate() -> None:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from oidc_provider.models import Client, ResponseType, RSAKey

    call_command("migrate", run_syncdb=True, verbosity=0)
    for number, nickname in PEOPLE.items():
        User.objects.create_user(number, password=PASSWORD, last_name=nickname)
    client = Client.objects.create(
        name="campusgate", client_id=CLIENT, client_secret=SECRET, require_consent=False, jwt_alg="RS256"
    )
    client.redirect_uris = [BACK]
    client.save()
    kind, _ = ResponseType.objects.get_or_create(value="code")
    client.response_types.add(kind)
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    RSAKey.objects.create(key=key.decode())
