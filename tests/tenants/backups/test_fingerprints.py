"""Two schemas are equal when their rows are; a recovered sequence may leave numbers out and gives none twice."""

import pytest

from tenants.backups.fingerprints import TableFingerprint, differences, without_numbers_ahead

LIVE = {"task": TableFingerprint(3, "17/4"), "task_id_seq": TableFingerprint(40, "true")}


@pytest.mark.parametrize(("number", "differing"), [(39, 1), (40, 0), (72, 0), (73, 1)])
def test_a_recovered_sequence_may_be_ahead_by_what_is_logged_ahead(number: int, differing: int) -> None:
    recovered = LIVE | {"task_id_seq": TableFingerprint(number, "true")}
    assert len(differences(without_numbers_ahead(recovered, LIVE), LIVE)) == differing


def test_rows_are_never_taken_for_numbers() -> None:
    recovered = LIVE | {"task": TableFingerprint(4, "17/4")}
    assert differences(without_numbers_ahead(recovered, LIVE), LIVE) == ["task"]


def test_what_is_missing_stays_missing() -> None:
    assert differences(without_numbers_ahead({}, LIVE), LIVE) == ["task", "task_id_seq"]
    assert differences(without_numbers_ahead(LIVE, {}), {}) == ["task", "task_id_seq"]
