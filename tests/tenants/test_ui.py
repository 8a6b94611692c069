"""Each component: what it draws, in which states, and that text never becomes markup."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.template import engines
from django.utils import timezone

from tenants.foundation.page_parts import (
    Activity,
    Column,
    DataTable,
    Kpi,
    LogLine,
    Pages,
    Segment,
    SetupStep,
    Step,
)
from tenants.templatetags.marks import STATES, ago, initials

NASTY = '"><script>x</script>'


def drawn(source: str, **context: Any) -> str:
    return str(engines["django"].from_string(source).render(context))


class ExampleForm(forms.Form):
    name = forms.CharField(help_text="As people know it.")
    notes = forms.CharField(required=False, widget=forms.Textarea)
    is_active = forms.BooleanField(required=False)
    kind = forms.ChoiceField(choices=[("a", "One"), ("b", "Two")], widget=forms.RadioSelect)


def test_an_icon_is_hidden_from_screen_readers_unless_it_is_named() -> None:
    assert 'aria-hidden="true"' in drawn('{% icon "check" %}')
    named = drawn('{% icon "lock" "sm" label=name %}', name=NASTY)
    assert 'role="img"' in named
    assert "<script" not in named


def test_an_icon_that_does_not_exist_is_an_error_where_it_is_written() -> None:
    with pytest.raises(Exception, match="no-such-icon"):
        drawn('{% icon "no-such-icon" %}')


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Demo", "AD"), ("Ada von Demo", "AD"), ("ada", "A"), ("ada@x.example", "AE"), ("…", "?")],
)
def test_initials_are_the_first_and_last_words(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_an_avatar_has_the_persons_name_and_always_the_same_colour() -> None:
    person = SimpleNamespace(name=NASTY)
    first, second = drawn("{% avatar who %}", who=person), drawn('{% avatar who "lg" %}', who=person)
    assert "<script" not in first
    assert first.split("avatar-")[1][0] == second.split("avatar-")[1][0]
    assert 'aria-label="Nobody"' in drawn("{% avatar who %}", who=None)


def test_an_avatar_loads_no_picture_from_elsewhere() -> None:
    person = SimpleNamespace(name="Ada", avatar_url="https://example.com/a.png")
    assert "example.com" not in drawn("{% avatar who %}", who=person)


def test_a_stack_shows_some_people_and_counts_the_rest() -> None:
    people = [SimpleNamespace(name=f"P{n} X") for n in range(5)]
    assert drawn("{% avatar_stack people 3 %}", people=people).count('role="img"') == 3
    assert "+2" in drawn("{% avatar_stack people 3 %}", people=people)
    assert drawn("{% avatar_stack people %}", people=[]) == ""


@pytest.mark.parametrize(("value", "word"), [(0, "No priority"), (3, "High"), (4, "Urgent")])
def test_priority_is_said_in_words(value: int, word: str) -> None:
    assert f'aria-label="Priority: {word}"' in drawn("{% priority value %}", value=value)


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_icon_and_word(state: str) -> None:
    source = drawn("{% status state %}", state=state)
    assert "<svg" in source
    assert str(STATES[state][2]) in source
    assert str(STATES[state][2]) in drawn("{% state_badge state %}", state=state)


def test_a_state_nobody_knows_is_shown_as_it_is() -> None:
    source = drawn("{% status state %}", state=f"half_done{NASTY}")
    assert "Half done" in source
    assert "<script" not in source


def test_a_department_is_its_badge_and_none_is_nothing() -> None:
    it = SimpleNamespace(name="IT & co", color=3)
    assert drawn("{% department it %}", it=it) == (
        '<span class="badge tone-neutral"><i class="dot series-3"></i>IT &amp; co</span>'
    )
    assert drawn("{% department it %}", it=None) == ""


def test_a_field_ties_label_help_and_errors_to_its_input() -> None:
    form = ExampleForm({})
    source = drawn("{% field form.name %}", form=form)
    assert '<label for="id_name">' in source
    assert 'aria-describedby="id_name_help id_name_error"' in source
    assert 'aria-invalid="true"' in source
    assert 'id="id_name_error"' in source
    assert "optional" in drawn("{% field form.notes %}", form=form)


def test_a_checkbox_is_a_switch_and_choices_are_a_group_with_a_legend() -> None:
    form = ExampleForm()
    assert 'class="switch"' in drawn("{% field form.is_active %}", form=form)
    group = drawn("{% field form.kind %}", form=form)
    assert "<fieldset" in group
    assert "<legend>Kind</legend>" in group


def test_a_field_takes_htmx_attributes() -> None:
    source = drawn('{% field form.name hx_get="/check/" autofocus=True %}', form=ExampleForm())
    assert 'hx-get="/check/"' in source
    assert " autofocus" in source


def test_progress_without_an_end_has_no_value() -> None:
    assert 'max="4" value="2"' in drawn('{% progress 2 4 "Rows" "ok" "lg" %}')
    assert "value=" not in drawn('{% progress 0 0 "Rows" %}')


def test_the_strip_shows_figures_with_their_change_and_the_way_to_them() -> None:
    source = drawn(
        "{% kpi_strip kpis %}", kpis=[Kpi(label=NASTY, value="12", url="/t/", delta="+3", delta_tone="bad")]
    )
    assert 'class="delta tone-bad">+3' in source
    assert 'href="/t/"' in source
    assert "<script" not in source


def test_the_present_view_is_marked() -> None:
    views = [Segment(label="Board", url="?v=b", is_current=True), Segment(label="List", url="?v=l")]
    assert drawn('{% segmented views "View" %}', views=views).count('aria-current="page"') == 1


def test_a_sorted_column_says_so() -> None:
    columns = [Column(label="Due", sort_url="?sort=due", direction="descending"), Column(label="Owner")]
    source = drawn("{% table_head columns select_all=True %}", columns=columns)
    assert 'aria-sort="descending"' in source
    assert "data-select-all" in source
    assert source.count("<a ") == 1


def test_pages_offer_only_where_one_can_go() -> None:
    source = drawn('{% pagination pages "#results" %}', pages=Pages(next_url="?after=x", summary="1-50"))
    assert 'rel="next"' in source
    assert 'rel="prev"' not in source
    assert drawn("{% pagination pages %}", pages=Pages()).strip() == ""


def test_steps_say_their_state_in_words_too() -> None:
    source = drawn("{% step_line steps %}", steps=[Step(label="Rows", state="failed", note="3", took="1 s")])
    assert "step-failed" in source
    assert ", failed" in source


def test_a_log_escapes_its_lines_and_names_errors() -> None:
    lines = [LogLine(at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), text=NASTY, level="bad")]
    source = drawn('{% log_view lines "Log" %}', lines=lines)
    assert "<script" not in source
    assert "Error:" in source
    assert "Nothing logged" in drawn('{% log_view lines "Log" %}', lines=[])


def test_the_feed_says_who_did_what_to_what() -> None:
    item = Activity(
        actor_name="Ada", verb="completed", subject="OPS-1", subject_url="/tasks/OPS-1/", at=timezone.now()
    )
    source = drawn("{% activity_feed items %}", items=[item])
    assert '<a href="/tasks/OPS-1/">' in source
    assert "0 s ago" in source


def test_the_set_up_list_links_only_what_is_still_to_do() -> None:
    steps = [
        SetupStep(label="Connect", url="/c/", is_done=True),
        SetupStep(label="Invite", url="/i/", is_done=False),
    ]
    source = drawn("{% checklist steps %}", steps=steps)
    assert 'max="2" value="1"' in source
    assert 'href="/i/"' in source
    assert 'href="/c/"' not in source


def test_a_table_of_figures_has_headings_for_rows_and_columns() -> None:
    table = DataTable(caption="Done", columns=("Week", "IT"), rows=(("W1", ("3",)),))
    source = drawn("{% data_table table %}", table=table)
    assert '<th scope="row">W1</th>' in source
    assert source.count('scope="col"') == 2


def test_a_secret_shows_its_last_four_and_no_more() -> None:
    source = drawn('{% secret_field "x9f2" "Token" rotate_url="/r/" %}')
    assert "x9f2" in source
    assert "<input" not in source


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('{% card "Databases" aside="3" %}body{% endcard %}', ">body</div>"),
        ('{% dialog "New task" element_id="d" %}body{% enddialog %}', 'aria-labelledby="d-title"'),
        ('{% dialog "More" element_id="d" kind="drawer" %}body{% enddialog %}', 'class="dialog drawer"'),
        ('{% menu "Actions" element_id="m" %}<a href="/">x</a>{% endmenu %}', 'popovertarget="m"'),
        ('{% note "bad" "Broken" %}why{% endnote %}', 'role="alert"'),
        ('{% note "warn" "Soon" url="/x/" %}why{% endnote %}', '<a href="/x/" class="note note-warn"'),
        ('{% banner "warn" %}Read-only{% endbanner %}', "note-warn"),
        ('{% empty_state "Nothing" text="yet" %}<a href="/">x</a>{% endempty_state %}', "<h2>Nothing</h2>"),
        ('{% bulk_bar form_id="f" %}<button>x</button>{% endbulk_bar %}', 'data-bulk-bar="f"'),
        ('{% copy_field "abc" "Address" element_id="c" %}', 'data-copy="#c"'),
        ("{% skeleton 2 %}", "Loading"),
    ],
)
def test_blocks_hold_their_content_in_their_frame(source: str, expected: str) -> None:
    assert expected in drawn(source)


def test_a_filter_that_is_set_can_be_cleared() -> None:
    chip = '{% filter_chip "Status" element_id="f" value=value clear_url="?" target="#r" %}'
    source = chip + "form{% endfilter_chip %}"
    assert 'aria-label="Clear Status"' in drawn(source, value="2")
    assert "chip-clear" not in drawn(source, value="")


def test_titles_of_blocks_are_escaped() -> None:
    for source in (
        "{% card title %}x{% endcard %}",
        "{% note 'info' title %}x{% endnote %}",
        "{% empty_state title %}x{% endempty_state %}",
    ):
        assert "<script" not in drawn(source, title=NASTY)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(seconds=38), "38 s ago"),
        (timedelta(minutes=4), "4 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=9), "9 d ago"),
        (timedelta(seconds=-5), "0 s ago"),
    ],
)
def test_ago_is_the_largest_whole_unit(before: timedelta, words: str) -> None:
    assert ago(timezone.now() - before) == words
    assert ago(None) == "never"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.44, "0.4 s"),
        (3, "3 s"),
        (12.4, "12 s"),
        (59.6, "1 min 0 s"),
        (125.0, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_a_length_of_time_is_said_as_a_person_does(seconds: float, said: str) -> None:
    assert drawn("{{ seconds|length_of_time }}", seconds=seconds) == said


def test_a_unit_stands_behind_its_number_and_is_read_with_it() -> None:
    source = drawn('{% field form.name unit="minutes" %}', form=ExampleForm())
    assert 'aria-describedby="id_name_unit id_name_help"' in source
    assert '<span id="id_name_unit">minutes</span>' in source


def test_a_list_of_choices_is_not_called_optional() -> None:
    class Chosen(forms.Form):
        role = forms.ChoiceField(choices=[("", "none"), ("a", "A")], required=False)

    assert "optional" not in drawn("{% field form.role %}", form=Chosen())
