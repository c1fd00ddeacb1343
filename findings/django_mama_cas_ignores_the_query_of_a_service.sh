#!/bin/sh
# Expected: a CAS server takes a ticket back only with the service address that it was made for (CAS Protocol 3.0, 2.5.1),
#   so an address that holds a state, `…/back?state=A`, binds the ticket to the attempt: CAS has no state of its own.
# True: django-mama-cas compares scheme, host and path alone, and stores addresses without their query. A ticket made for
#   `?state=A` is good with `?state=B`, so whoever sends somebody else's browser back with a ticket of their own signs it
#   in. A state in the path is compared.
# Seen with django-mama-cas 2.5.0 and Django 5.2.19.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check django==5.2.19 django-mama-cas==2.5.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import django
from django.conf import settings

apps = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "mama_cas"]
settings.configure(
    INSTALLED_APPS=apps,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIGRATION_MODULES=dict.fromkeys(app.rpartition(".")[2] for app in apps),
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    SECRET_KEY="x",
)
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from mama_cas.exceptions import InvalidService
from mama_cas.models import ServiceTicket

call_command("migrate", run_syncdb=True, verbosity=0)
user = User.objects.create_user("F0001")
is_taken = {}
for made_for, shown_with in (("/back?state=A", "/back?state=B"), ("/back/A", "/back/B")):
    ticket = ServiceTicket.objects.create_ticket(service=f"https://gate.example{made_for}", user=user)
    try:
        ServiceTicket.objects.validate_ticket(ticket.ticket, f"https://gate.example{shown_with}")
        is_taken[made_for] = True
    except InvalidService:
        is_taken[made_for] = False
print(f"a ticket is good for another state: {is_taken}")
sys.exit(is_taken != {"/back?state=A": True, "/back/A": False})
PYTHON
