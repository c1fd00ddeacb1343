"""The addresses of the university's providers, and what they say of a person; read by Django alone."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import include, path


def attributes(user: Any, _service: str) -> dict[str, Any]:
    """What CAS says of a user beside their name."""
    return {"employeeNumber": user.username, "card": [user.last_name, "9"], "empty": " "}


def claims(claims: dict[str, Any], user: Any) -> dict[str, Any]:
    """What the user info says of a user."""
    return claims | {"preferred_username": user.username, "name": "张三"}


def sign_in(request: HttpRequest) -> HttpResponse:
    """The form of the issuer."""
    form = AuthenticationForm(request, data=request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.get_user())
        return HttpResponseRedirect(request.GET["next"])
    return HttpResponse('<form method="post"><input type="hidden" name="asked" value="1"></form>')


urlpatterns = [
    path("login/", sign_in),
    path("cas/", include("mama_cas.urls")),
    path("oidc/", include("oidc_provider.urls", namespace="oidc_provider")),
]
