"""Mappings proposed from names, types and options."""

import pytest

from integrations.capabilities import FieldKind, OptionGroup, RemoteCollection, RemoteField, RemoteOption
from integrations.sync.options import number_key, number_proposals, priority_proposals, status_proposals
from integrations.sync.proposals import CollectionRole, can_carry, find_projects, propose_mapping
from integrations.sync.vocabulary import FIELD_WORDS, OurField, normal


def column(name: str, kind: FieldKind, *options: str, leads_to: str = "") -> RemoteField:
    made = tuple(RemoteOption(id=f"{name}:{option}", name=option) for option in options)
    return RemoteField(f"id-{name}", name, kind, kind.value, made, leads_to)


def table(title: str, *columns: RemoteField, table_id: str = "c1") -> RemoteCollection:
    return RemoteCollection(table_id, "db", title, "https://x", columns)


TITLE = column("Name", FieldKind.TITLE)


@pytest.mark.parametrize(
    ("title", "names"),
    [
        (
            "Tasks",
            {
                "status": "Status",
                "priority": "Priority",
                "assignees": "Assigned to",
                "due": "Due date",
                "start": "Start date",
                "completed": "Completed on",
                "estimate": "Estimate (h)",
                "tags": "Labels",
                "department": "Team",
            },
        ),
        (
            "Aufgaben",
            {
                "status": "Bearbeitungsstand",
                "priority": "Dringlichkeit",
                "assignees": "Zuständig",
                "due": "Fällig am",
                "start": "Beginn",
                "completed": "Erledigt am",
                "estimate": "Aufwand Std.",
                "tags": "Schlagwörter",
                "department": "Abteilung",
            },
        ),
        (
            "Tareas",
            {
                "status": "Estado",
                "priority": "Prioridad",
                "assignees": "Responsable",
                "due": "Fecha límite",
                "start": "Inicio",
                "completed": "Terminado el",
                "estimate": "Horas estimadas",
                "tags": "Etiquetas",
                "department": "Departamento",
            },
        ),
    ],
)
def test_columns_are_understood_in_three_languages(title: str, names: dict[str, str]) -> None:
    kinds = {
        "status": FieldKind.STATUS,
        "priority": FieldKind.CHOICE,
        "assignees": FieldKind.PEOPLE,
        "due": FieldKind.DATE,
        "start": FieldKind.DATE,
        "completed": FieldKind.DATE,
        "estimate": FieldKind.NUMBER,
        "tags": FieldKind.CHOICES,
        "department": FieldKind.CHOICE,
    }
    columns = [column(name, kinds[ours], "P1", "P2") for ours, name in names.items()]

    proposal = propose_mapping(table(title, TITLE, *columns))

    found = {item.our_field.value: item.remote_field.name for item in proposal.fields}
    assert found == {"title": "Name", **names}
    assert proposal.role is CollectionRole.TASKS
    assert all(item.reason and 0.5 <= item.score <= 1 for item in proposal.fields)


def test_the_same_schema_always_gets_the_same_proposal_whatever_the_order() -> None:
    columns = [column("Due", FieldKind.DATE), column("Deadline", FieldKind.DATE), TITLE]

    there, back = propose_mapping(table("T", *columns)), propose_mapping(table("T", *reversed(columns)))

    assert there.field_for(OurField.DUE) == back.field_for(OurField.DUE)


def test_a_column_fills_one_field_only() -> None:
    proposal = propose_mapping(table("Tasks", TITLE, column("Type", FieldKind.CHOICE, "A", "B")))

    assert len({item.remote_field.id for item in proposal.fields}) == len(proposal.fields)


def test_a_lone_people_column_is_taken_whatever_its_name() -> None:
    proposal = propose_mapping(table("Tasks", TITLE, column("Zorg", FieldKind.PEOPLE)))

    assert proposal.field_for(OurField.ASSIGNEES) is not None


def test_options_speak_for_a_column_whose_name_says_nothing() -> None:
    proposal = propose_mapping(table("T", TITLE, column("Heat", FieldKind.CHOICE, "Urgent", "High", "Low")))

    found = proposal.field_for(OurField.PRIORITY)
    assert found is not None
    assert found.remote_field.name == "Heat"


def test_relations_within_the_table_and_to_projects_are_told_apart() -> None:
    tasks = table(
        "Tasks",
        TITLE,
        column("Parent task", FieldKind.RELATION, leads_to="c1"),
        column("Blocked by", FieldKind.RELATION, leads_to="c1"),
        column("Blocking", FieldKind.RELATION, leads_to="c1"),
        column("Initiative", FieldKind.RELATION, leads_to="c2"),
        column("Client", FieldKind.RELATION, leads_to="c3"),
    )
    initiatives = table("Big things", TITLE, column("Status", FieldKind.STATUS), table_id="c2")
    clients = table("Clients", TITLE, table_id="c3")
    project_ids = find_projects([tasks, initiatives, clients])

    found = {
        i.our_field.value: i.remote_field.name for i in propose_mapping(tasks, project_ids=project_ids).fields
    }

    assert project_ids == {"c2"}
    assert found["parent"] == "Parent task"
    assert found["blocked_by"] == "Blocked by"
    assert found["project"] == "Initiative"
    assert "Client" not in found.values()
    assert propose_mapping(initiatives, project_ids=project_ids).role is CollectionRole.PROJECTS
    assert propose_mapping(clients, project_ids=project_ids).role is CollectionRole.OTHER


def test_a_table_without_a_title_says_so() -> None:
    assert "no title column" in propose_mapping(table("Tasks", column("Status", FieldKind.STATUS))).problem


def test_computed_columns_are_never_mapped() -> None:
    for our_field in OurField:
        for kind in (FieldKind.FORMULA, FieldKind.ROLLUP, FieldKind.BUTTON, FieldKind.UNKNOWN):
            assert not can_carry(our_field, kind)


def test_every_word_stands_in_a_form_that_can_be_found() -> None:
    for words in FIELD_WORDS.values():
        assert all(normal(word) for word in words)
    assert normal("FälligAm") == normal("fällig am") == "fallig am"


# -- options ---------------------------------------------------------------------------------------


def statuses(*names: str, group: OptionGroup | None = None) -> dict[str, str]:
    options = tuple(RemoteOption(id=name, name=name, group=group) for name in names)
    field = RemoteField("s", "Status", FieldKind.STATUS, "status", options)
    return {item.option_name: item.value for item in status_proposals(field)}


def priorities(*names: str) -> list[str]:
    return [item.value for item in priority_proposals([RemoteOption(id=name, name=name) for name in names])]


def test_states_are_understood_by_name() -> None:
    assert statuses("Not started", "In Arbeit", "En espera", "Zur Freigabe", "✅ Hecho", "Won't do") == {
        "Not started": "planned",
        "In Arbeit": "in_progress",
        "En espera": "blocked",
        "Zur Freigabe": "in_review",
        "✅ Hecho": "done",
        "Won't do": "cancelled",
    }


def test_a_group_decides_where_the_name_says_nothing_or_something_else() -> None:
    assert statuses("Brewing", group=OptionGroup.IN_PROGRESS) == {"Brewing": "in_progress"}
    assert statuses("Archived", group=OptionGroup.COMPLETE) == {"Archived": "done"}
    assert statuses("Done soon", group=OptionGroup.TODO) == {"Done soon": "planned"}
    assert statuses("Waiting for client", group=OptionGroup.IN_PROGRESS) == {"Waiting for client": "blocked"}


def test_a_name_nobody_knows_is_a_default_and_says_so() -> None:
    field = RemoteField("s", "S", FieldKind.CHOICE, "select", (RemoteOption("x", "Zorg"),))

    (proposal,) = status_proposals(field)

    assert (proposal.value, proposal.is_certain) == ("planned", False)


def test_a_checkbox_is_done_or_open() -> None:
    field = RemoteField("s", "Done", FieldKind.CHECKBOX, "checkbox")

    assert [(item.option_id, item.value) for item in status_proposals(field)] == [
        ("true", "done"),
        ("false", "planned"),
    ]


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (("P0", "P1", "P2", "P3"), ["4", "3", "2", "1"]),
        (("P1", "P2", "P3"), ["4", "3", "2"]),
        (("1 - now", "2", "3", "4"), ["4", "3", "2", "1"]),
        (("Urgent", "High", "Medium", "Low", "None"), ["4", "3", "2", "1", "0"]),
        (("Sofort", "Hoch", "Mittel", "Niedrig"), ["4", "3", "2", "1"]),
        (("Urgente", "Alta", "Media", "Baja"), ["4", "3", "2", "1"]),
        (("🔴", "🟠", "🟡", "🟢"), ["4", "3", "2", "1"]),
        (("🔥🔥🔥", "🔥🔥", "🔥", "🧊"), ["4", "3", "2", "1"]),
        (("🔴 High", "Low 🟢"), ["3", "1"]),
        (("Zorg",), ["0"]),
        ((), []),
    ],
)
def test_priorities_are_understood(names: tuple[str, ...], values: list[str]) -> None:
    assert priorities(*names) == values


def test_numbers_of_a_number_column_count_from_the_most_urgent() -> None:
    assert [(item.option_id, item.value) for item in number_proposals()] == [
        ("1", "4"),
        ("2", "3"),
        ("3", "2"),
        ("4", "1"),
        ("5", "1"),
    ]
    assert [number_key(value) for value in (-3.0, 1.0, 2.4, 99.0)] == ["1", "1", "2", "5"]
