"""A sealed value opens in its own cell and nowhere else."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.foundation.crypto import (
    OVERHEAD_BYTES,
    CryptoError,
    DataKeys,
    Envelope,
    KeyContext,
    LocalKeys,
    Place,
    StoredDataKey,
    key_version,
    new_key,
)

KEKS = LocalKeys({"k1": new_key()})


class KeyTable:
    """The control plane's table of data keys, in memory."""

    def __init__(self) -> None:
        self.rows: dict[tuple[UUID, int], StoredDataKey] = {}
        self.loads = 0

    def add(self, tenant_id: UUID, version: int) -> None:
        self.rows[tenant_id, version] = StoredDataKey(
            version, KEKS.wrap(new_key(), KeyContext(tenant_id, version))
        )

    def load(self, tenant_id: UUID, version: int | None) -> StoredDataKey | None:
        self.loads += 1
        versions = [known for owner, known in self.rows if owner == tenant_id]
        if version is None:
            return self.rows[tenant_id, max(versions)] if versions else None
        return self.rows.get((tenant_id, version))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def place(number: int = 1, **changes: object) -> Place:
    base = Place(
        tenant_id=UUID(int=number), table="secrets_storedsecret", column="sealed", row_id=UUID(int=7)
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture
def table() -> KeyTable:
    made = KeyTable()
    for number in (1, 2):
        made.add(UUID(int=number), 1)
    return made


@pytest.fixture
def envelope(table: KeyTable) -> Envelope:
    return Envelope(DataKeys(loader=table.load, keys=KEKS))


_TABLE = KeyTable()
_TABLE.add(UUID(int=1), 1)
_TABLE.add(UUID(int=2), 1)
SHARED = Envelope(DataKeys(loader=_TABLE.load, keys=KEKS))
names = st.text(min_size=1, max_size=20)
places = st.builds(
    Place, tenant_id=st.sampled_from([UUID(int=1), UUID(int=2)]), table=names, column=names, row_id=st.uuids()
)


@given(value=st.text(max_size=300), where=places)
def test_any_text_comes_back_from_where_it_was_sealed(value: str, where: Place) -> None:
    sealed = SHARED.seal(value, where)
    assert SHARED.open(sealed, where).reveal() == value
    assert len(sealed) == len(value.encode()) + OVERHEAD_BYTES


@given(value=st.text(min_size=1, max_size=50), here=places, there=places)
def test_a_value_moved_to_any_other_cell_does_not_open(value: str, here: Place, there: Place) -> None:
    sealed = SHARED.seal(value, here)
    if here == there:
        assert SHARED.open(sealed, there).reveal() == value
    else:
        with pytest.raises(CryptoError):
            SHARED.open(sealed, there)


@pytest.mark.parametrize(
    "moved",
    [
        {"row_id": UUID(int=8)},
        {"column": "other"},
        {"table": "other"},
        {"tenant_id": UUID(int=2)},
        {"table": "secrets_storedsecrets", "column": "ealed"},
    ],
)
def test_a_value_moved_in_one_respect_does_not_open(envelope: Envelope, moved: dict[str, object]) -> None:
    sealed = envelope.seal("value", place())
    with pytest.raises(CryptoError) as caught:
        envelope.open(sealed, place(1, **moved))
    assert caught.value.code == "crypto_error.wrong_place"


@settings(max_examples=60)
@given(data=st.data())
def test_a_value_with_any_bit_changed_does_not_open(data: st.DataObject) -> None:
    sealed = bytearray(SHARED.seal("a value to be altered", place()))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(CryptoError):
        SHARED.open(bytes(sealed), place())


@given(cut=st.integers(0, OVERHEAD_BYTES + 4))
def test_a_value_cut_short_does_not_open(cut: int) -> None:
    sealed = SHARED.seal("12345", place())
    with pytest.raises(CryptoError):
        SHARED.open(sealed[:cut], place())


@given(noise=st.binary(max_size=80))
def test_noise_does_not_open(noise: bytes) -> None:
    with pytest.raises(CryptoError):
        SHARED.open(noise, place())


def test_the_same_value_never_looks_the_same(envelope: Envelope) -> None:
    assert envelope.seal("value", place()) != envelope.seal("value", place())


def test_the_form_is_one_byte_version_and_four_of_the_key(envelope: Envelope, table: KeyTable) -> None:
    table.add(UUID(int=3), 258)
    sealed = envelope.seal("value", place(3))
    assert sealed[:5] == b"\x01\x00\x00\x01\x02"
    assert key_version(memoryview(sealed)) == 258


def test_after_rotation_old_values_still_open_and_are_stale(table: KeyTable) -> None:
    data_keys = DataKeys(loader=table.load, keys=KEKS)
    envelope = Envelope(data_keys)
    old = envelope.seal("value", place())
    assert not envelope.is_stale(old, UUID(int=1))
    table.add(UUID(int=1), 2)
    data_keys.forget(UUID(int=1))
    assert envelope.open(old, place()).reveal() == "value"
    assert envelope.is_stale(old, UUID(int=1))
    assert key_version(envelope.seal("value", place())) == 2


def test_a_destroyed_key_makes_its_values_unreadable(table: KeyTable) -> None:
    data_keys = DataKeys(loader=table.load, keys=KEKS)
    envelope = Envelope(data_keys)
    sealed = envelope.seal("value", place())
    table.rows.clear()
    data_keys.forget(UUID(int=1))
    with pytest.raises(CryptoError) as caught:
        envelope.open(sealed, place())
    assert caught.value.code == "crypto_error.no_key"
    with pytest.raises(CryptoError):
        envelope.seal("value", place())


def test_a_key_is_loaded_once_in_five_minutes_and_again_after(table: KeyTable) -> None:
    clock = Clock()
    envelope = Envelope(DataKeys(loader=table.load, keys=KEKS, clock=clock, seconds=9999))
    for _ in range(10):
        envelope.open(envelope.seal("value", place()), place())
    assert table.loads == 1
    clock.now += 301
    envelope.seal("value", place())
    assert table.loads == 2


def test_the_cache_of_keys_is_bounded(table: KeyTable) -> None:
    data_keys = DataKeys(loader=table.load, keys=KEKS, max_entries=3)
    for number in range(10, 20):
        table.add(UUID(int=number), 1)
        data_keys.active(UUID(int=number))
    assert repr(data_keys) == "DataKeys(3 cached)"
    before = table.loads
    data_keys.active(UUID(int=19))
    assert table.loads == before
    data_keys.active(UUID(int=10))
    assert table.loads == before + 1


def test_a_wrapped_key_of_one_tenant_is_useless_in_the_row_of_another(table: KeyTable) -> None:
    table.rows[UUID(int=2), 1] = table.rows[UUID(int=1), 1]
    with pytest.raises(CryptoError) as caught:
        Envelope(DataKeys(loader=table.load, keys=KEKS)).seal("value", place(2))
    assert caught.value.code == "crypto_error.wrong_place"
