"""A letter to try things on."""

from tenants.foundation.letters import LetterKind, Variable

VISIT = LetterKind(
    code="visit",
    title="Visit",
    description="Somebody comes by.",
    variables=(
        Variable(name="guest", meaning="Who comes", sample="Ada Example"),
        Variable(name="day", meaning="When", sample="1 May 2026"),
        Variable(
            name="link",
            meaning="Where to answer",
            sample="https://a.example/x",
            is_required=True,
            is_link=True,
        ),
    ),
    subject="{{ guest }} comes by",
    body="{{ guest }} would like to see you.\n\n{{ link }}\n\nIt would be on {{ day }}.\n\nOr here: {{ link }}",
    button="Answer",
)
