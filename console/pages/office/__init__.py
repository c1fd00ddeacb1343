"""Pages of the office: people, their cards, lists of people, the audit trail."""

from console.pages.office import audit, cards, face, forms, imports, merge, people, person

ROUTERS = (
    people.router,
    forms.router,
    person.router,
    merge.router,
    face.router,
    cards.router,
    imports.router,
    audit.router,
)
