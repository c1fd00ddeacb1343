"""Gates: which there are, what holds at each, how current they are; adding and retiring one."""

import hashlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from access.policy import Direction, GateKind, GatePolicy, Mode, Rule
from access.schedules import ALWAYS
from accounts import audit
from console.dependencies import ServicesDep, StaffDep
from console.formats import Formats
from console.pages.administration.rendering import render_administration
from console.rendering import done, forbid_storing, language_of
from console.same_origin import SameOriginDep
from console.services import ConsoleServices
from console.texts import translator
from console.views.gate_rules import PolicyWords
from directory import gates
from directory.lag import find_lags
from directory.reach import count_members
from directory.tables import GateRecord
from web.problems import ProblemError
from web.text import Slug
from web.tickets import FormTicketDep

router = APIRouter(
    prefix="/console/administration/gates", include_in_schema=False, dependencies=[Depends(forbid_storing)]
)

TICKET = "gate"
"""The action of a ticket by which a gate's policy is changed, as at the API."""

GateName = Annotated[Slug, Path(description="name of the gate")]
Text = Annotated[str, Form(max_length=100)]


def words_for(request: Request, services: ConsoleServices) -> PolicyWords:
    """Return what says a policy in the reader's language."""
    language = language_of(request)
    return PolicyWords(translator(language), Formats(language, services.zone))


def mark_of(gate: GateRecord) -> str:
    """Return a mark of what is kept of a gate: a change made from something else is not made."""
    kept = json.dumps([gate.title, gate.policy], sort_keys=True)
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


@router.get("", response_class=HTMLResponse, name="administration_gates_page")
def show_gates(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """List the gates, each with whether its devices have its directory in force."""
    return _render_list(request, services)


@router.get("/new", response_class=HTMLResponse, name="administration_new_gate_page")
def show_new(request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show the form of a new gate."""
    typed = {"kind": GateKind.BUILDING.value, "direction": Direction.BOTH.value, "mode": Mode.FACE_OR_CARD.value}
    return _render_new(request, services, typed=typed)


@router.post("/new", response_class=HTMLResponse, name="administration_add_gate")
def add(
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    *,
    name: Text,
    title: Text,
    kind: Text,
    direction: Text,
    mode: Text,
    inner_zone: Text = "",
    outer_zone: Text = "",
    face_free_gate: Text = "",
    group: Text = "",
) -> Response:
    """Add a gate; its directory is assembled within moments."""
    typed = {
        "name": name.strip(),
        "title": title.strip(),
        "kind": kind,
        "direction": direction,
        "mode": mode,
        "inner_zone": inner_zone,
        "outer_zone": outer_zone,
        "face_free_gate": face_free_gate,
        "group": group.strip(),
    }
    try:
        policy = _make_policy(typed)
    except ValueError as error:
        return _render_new(request, services, typed=typed, problems=_explain(typed, error), status=422)
    try:
        with services.database.begin() as session:
            gates.add(session, policy, title=typed["title"], by=audit.person_actor(staff.person_id), now=services.now())
    except ProblemError as error:
        return _render_new(
            request, services, typed=typed, problems={"form": f"problem.{error.code}"}, status=error.status
        )
    return done(request, "administration_gate_page", "gate_added", gate=policy.gate)


@router.get("/{gate}", response_class=HTMLResponse, name="administration_gate_page")
def show(gate: GateName, request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Show what holds at one gate, with the week's picture of each schedule, and how current its devices are."""
    return _render_gate(request, services, gate)


@router.get("/{gate}/retirement", response_class=HTMLResponse, name="administration_retire_page")
def ask_to_retire(gate: GateName, request: Request, _staff: StaffDep, services: ServicesDep) -> HTMLResponse:
    """Ask before a gate is removed."""
    with services.database.read() as session:
        return render_administration(request, "administration/retire.html", gate=gates.get(session, gate), problem=None)


@router.post("/{gate}/retirement", response_class=HTMLResponse, name="administration_retire_gate")
def retire(
    gate: GateName,
    request: Request,
    staff: StaffDep,
    services: ServicesDep,
    _same_origin: SameOriginDep,
    ticket: FormTicketDep,
) -> Response:
    """Remove a gate with its directory; its devices are refused from now on."""
    try:
        with services.database.begin() as session:
            ticket.redeem(staff.person_id, TICKET)
            record = gates.get(session, gate, for_change=True)
            gates.remove(session, record, by=audit.person_actor(staff.person_id), now=services.now())
    except ProblemError as error:
        with services.database.read() as session:
            return render_administration(
                request,
                "administration/retire.html",
                status=error.status,
                gate=gates.get(session, gate),
                problem=f"problem.{error.code}",
            )
    return done(request, "administration_gates_page", "gate_retired")


def _make_policy(typed: dict[str, str]) -> GatePolicy:
    """Return the policy of a new gate.

    Raises:
        ValueError: it cannot be.
    """
    if not typed["title"]:
        raise ValueError("title")
    return GatePolicy.model_validate(
        {
            "gate": typed["name"],
            "kind": typed["kind"],
            "direction": typed["direction"],
            "mode": typed["mode"],
            "inner_zone": typed["inner_zone"] or None,
            "outer_zone": typed["outer_zone"] or None,
            "face_free_gate": typed["face_free_gate"] or None,
            "rules": [Rule(group=typed["group"], schedule=ALWAYS.name)] if typed["group"] else [],
        }
    )


def _explain(typed: dict[str, str], error: ValueError) -> dict[str, str]:
    """Return the words of what is wrong, by field."""
    if not typed["title"]:
        return {"title": "administration.problem.needed"}
    places = {str(one["loc"][0]) for one in getattr(error, "errors", list)() if one["loc"]}
    if "gate" in places:
        return {"name": "administration.problem.gate_name"}
    if typed["kind"] == GateKind.WET_ROOM.value and "face" in typed["mode"]:
        return {"mode": "administration.problem.wet_room"}
    if typed["mode"] in {"face", "card_and_face"} and not typed["face_free_gate"]:
        return {"face_free_gate": "administration.problem.face_only"}
    return {"form": "administration.problem.impossible"}


def _render_new(
    request: Request,
    services: ConsoleServices,
    *,
    typed: dict[str, str],
    problems: dict[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    with services.database.read() as session:
        return render_administration(
            request,
            "administration/new_gate.html",
            typed=typed,
            problems=problems or {},
            choices=list_choices(session),
            **more,
        )


def list_choices(session: Session) -> dict[str, Any]:
    """Return what the fields of a gate may be chosen from."""
    return {
        "kinds": list(GateKind),
        "directions": list(Direction),
        "modes": list(Mode),
        "zones": gates.find_zones(session),
        "gates": gates.find(session),
        "groups": count_members(session),
    }


def _render_list(request: Request, services: ConsoleServices, **more: Any) -> HTMLResponse:
    now = services.now()
    with services.database.read() as session:
        found = gates.find(session)
        lags: dict[str, list[Any]] = {}
        for lag in find_lags(session, now):
            lags.setdefault(lag.gate, []).append(lag)
        rows = [
            {
                "gate": gate,
                "policy": gates.policy_of(gate),
                "devices": len(lags.get(gate.name, ())),
                "behind": sum(lag.behind > 0 for lag in lags.get(gate.name, ())),
                "behind_s": max((lag.behind_s for lag in lags.get(gate.name, ())), default=0.0),
            }
            for gate in found
        ]
        zones = {zone.name: zone.title for zone in gates.find_zones(session)}
    return render_administration(request, "administration/gates.html", rows=rows, zones=zones, **more)


def _render_gate(request: Request, services: ConsoleServices, gate: str, **more: Any) -> HTMLResponse:
    now, words = services.now(), words_for(request, services)
    with services.database.read() as session:
        record = gates.get(session, gate)
        policy = gates.policy_of(record)
        lags = find_lags(session, now, gate=gate)
        members = count_members(session)
        zones = {zone.name: zone.title for zone in gates.find_zones(session)}
    return render_administration(
        request,
        "administration/gate.html",
        gate=record,
        policy=policy,
        words=words,
        facts=words.further(policy),
        lags=lags,
        members=members,
        zones=zones,
        today=now.astimezone(services.zone).date(),
        **more,
    )
