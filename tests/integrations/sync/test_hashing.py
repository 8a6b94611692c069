"""What makes a record look changed, and what does not."""

from datetime import UTC, datetime, timedelta

from integrations.capabilities import FieldKind, RemoteOption, RemotePerson, RemoteRecord, RemoteValue
from integrations.sync.hashing import content_hash

EDITED = datetime(2026, 3, 2, 10, 5, tzinfo=UTC)
FIELDS = {"t", "s", "p"}


def a_record(**values: RemoteValue) -> RemoteRecord:
    defaults = {
        "t": RemoteValue("t", FieldKind.TITLE, "Plan"),
        "s": RemoteValue("s", FieldKind.CHOICES, (RemoteOption("1", "A"), RemoteOption("2", "B"))),
        "p": RemoteValue("p", FieldKind.PEOPLE, (RemotePerson("x", "Ann Example"), RemotePerson("y"))),
    }
    return RemoteRecord("id", "c", "https://x", EDITED, EDITED, defaults | values)


def hash_of(record: RemoteRecord, *, revision: str = "1", later: int = 300) -> str:
    time = EDITED + timedelta(seconds=later)
    return content_hash(record, field_ids=FIELDS, revision=revision, server_time=time)


def test_the_order_of_choices_and_people_and_their_names_do_not_count() -> None:
    turned = a_record(
        s=RemoteValue("s", FieldKind.CHOICES, (RemoteOption("2", "B"), RemoteOption("1", "A"))),
        p=RemoteValue("p", FieldKind.PEOPLE, (RemotePerson("y", "New Name"), RemotePerson("x"))),
    )

    assert hash_of(turned) == hash_of(a_record())


def test_a_field_that_is_not_mapped_does_not_count() -> None:
    assert hash_of(a_record(z=RemoteValue("z", FieldKind.FILES, ("signed",)))) == hash_of(a_record())


def test_a_value_a_renamed_option_and_a_new_mapping_count() -> None:
    changes = [
        hash_of(a_record(t=RemoteValue("t", FieldKind.TITLE, "Other"))),
        hash_of(
            a_record(s=RemoteValue("s", FieldKind.CHOICES, (RemoteOption("1", "A"), RemoteOption("2", "C"))))
        ),
        hash_of(a_record(), revision="2"),
    ]

    assert hash_of(a_record()) not in changes
    assert len(set(changes)) == 3


def test_a_value_that_came_cut_is_read_again_once_its_minute_is_over() -> None:
    cut = a_record(s=RemoteValue("s", FieldKind.RELATION, ("a",) * 25, is_truncated=True))

    assert hash_of(cut, later=10) == hash_of(cut, later=50)
    assert hash_of(cut, later=50) != hash_of(cut, later=60)
    assert hash_of(cut, later=60) == hash_of(cut, later=9000)
