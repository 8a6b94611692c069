"""Who works in an invented company and what they do there: tasks, projects and blockers, before any JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from integrations.sandbox.notion.content.grammar import (
    DEPARTMENTS,
    Company,
    Grammar,
    Pattern,
    patterns_of,
    project_patterns,
)
from integrations.sandbox.notion.content.oddities import ODD_TITLES
from integrations.sandbox.notion.content.shapes import TableShape, WorkspaceShape
from integrations.sandbox.notion.content.story import BLOCKED, DONE, IN_PROGRESS, PLANNED, Life, draw_life
from integrations.sandbox.notion.content.values import Member

_BODY_SHARE = 0.25
_SUMMARY_SHARE = 0.35
_IN_A_PROJECT = 0.88
_TASKS_PER_PROJECT = 26
_MIN_TASKS, _MAX_TASKS = 10, 60


@dataclass(slots=True, eq=False)
class Task:
    """One task as its people know it; `number` counts within its table from 1."""

    page_id: str
    number: int
    table: TableShape
    title: str
    pattern: Pattern
    department: str
    language: str
    life: Life
    people: list[Member]
    author: Member
    editor: Member
    body: str | None
    summary: str
    project: Project | None = None
    blockers: list[Task] = field(default_factory=list)
    blocking: list[Task] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Project:
    """One project with its tasks from all tables of the workspace."""

    page_id: str
    title: str
    department: str
    lead: Member
    status: str
    starts_on: date
    ends_on: date
    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of a company; each belongs to one department, guests to none."""

    members: tuple[Member, ...]
    guests: tuple[Member, ...]

    def of(self, department: str) -> Sequence[Member]:
        """Return the people who work in this department."""
        return self.members[DEPARTMENTS.index(department) :: len(DEPARTMENTS)]

    @property
    def everyone(self) -> tuple[Member, ...]:
        """All people with an account, guests last."""
        return (*self.members, *self.guests)


def new_uuid(random: Random) -> str:
    """Return a version 4 UUID drawn from this source of chance."""
    bits = f"{random.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def _address(name: str, domain: str) -> str:
    plain = name.casefold().translate(str.maketrans("äöüßáéíóúñåøèç", "aousaeiounaoec"))
    first, *_, last = plain.split()
    return f"{first}.{last.replace('-', '')}@{domain}"


def cast_of(company: Company, seed: int) -> Cast:
    """Return the people of a company; the same seed gives the same ids in every workspace of theirs."""
    random = Random(f"cast {company.key} {seed}")  # noqa: S311 (invented content, no secret)
    members = [Member(new_uuid(random), name, _address(name, company.domain)) for name in company.people]
    guests = [Member(new_uuid(random), name, None) for name in company.guests]
    return Cast(tuple(members), tuple(guests))


class Plot:
    """Everything that goes on in one workspace, drawn from one seed."""

    def __init__(
        self, shape: WorkspaceShape, company: Company, cast: Cast, *, reference: datetime, seed: int
    ) -> None:
        self._shape = shape
        self._cast = cast
        self._reference = reference
        self._random = Random(f"plot {shape.key} {seed}")  # noqa: S311 (invented content, no secret)
        self._ids = Random(f"ids {shape.key} {seed}")  # noqa: S311 (invented content, no secret)
        self._grammars = {lang: Grammar(company, lang, self._random) for lang in ("en", "de", "es")}
        self._titles: set[str] = set()
        self.tables: dict[str, list[Task]] = {}
        self.projects: list[Project] = []

    def unfold(self) -> Plot:
        """Draw tasks, oddities, projects and blockers, in that order; returns itself."""
        for table in self._shape.tables:
            self.tables[table.key] = self._tasks(table)
        everything = [task for tasks in self.tables.values() for task in tasks]
        self._put_into_projects(everything)
        for tasks in self.tables.values():
            self._block(tasks)
        self._make_odd(everything)
        return self

    def _tasks(self, table: TableShape) -> list[Task]:
        random = self._random
        departments = random.choices(list(table.departments), list(table.departments.values()), k=table.count)
        languages = random.choices(list(table.languages), list(table.languages.values()), k=table.count)
        drafts: list[tuple[datetime, int, str, str, Pattern, Life]] = []
        for department, language in zip(departments, languages, strict=True):
            pattern = random.choice(patterns_of(language, department))
            life = draw_life(random, self._reference, pattern.hours)
            drafts.append((life.created_at, len(drafts), department, language, pattern, life))
        drafts.sort()
        return [
            self._written(table, number, department, language, pattern, life)
            for number, (_, _, department, language, pattern, life) in enumerate(drafts, start=1)
        ]

    def _written(
        self, table: TableShape, number: int, department: str, language: str, pattern: Pattern, life: Life
    ) -> Task:
        """Put the words and the people to one task."""
        random, grammar = self._random, self._grammars[language]
        written_on = life.created_at.date()
        for attempt in range(12):
            if attempt > 2:
                pattern = random.choice(patterns_of(language, department))
            story = grammar.story(written_on)
            title = grammar.title(pattern.title, story)
            if title not in self._titles:
                break
        self._titles.add(title)
        people = self._assignees(department)
        author = random.choice(self._cast.of(department))
        editor = random.choice([*people, author])
        body = grammar.body(pattern.kind, story) if random.random() < _BODY_SHARE else None
        summary = grammar.remark(pattern.kind, story) if random.random() < _SUMMARY_SHARE else ""
        return Task(
            page_id=new_uuid(self._ids),
            number=number,
            table=table,
            title=title,
            pattern=pattern,
            department=department,
            language=language,
            life=life,
            people=people,
            author=author,
            editor=editor,
            body=body,
            summary=summary,
        )

    def _assignees(self, department: str) -> list[Member]:
        """Return nobody to three people, mostly of the department, rarely a guest."""
        random = self._random
        count = random.choices((0, 1, 2, 3), (8, 62, 22, 8))[0]
        pool = self._cast.of(department) if random.random() < 0.88 else self._cast.everyone
        return random.sample(pool, min(count, len(pool)))

    def _put_into_projects(self, tasks: Sequence[Task]) -> None:
        """Give most tasks a project of their department; a project gets 10 to 60 tasks."""
        for department in DEPARTMENTS:
            mine = [t for t in tasks if t.department == department and self._random.random() < _IN_A_PROJECT]
            if len(mine) < _MIN_TASKS:
                continue
            for size in self._sizes(len(mine)):
                chosen, mine = mine[:size], mine[size:]
                self._start_project(department, chosen)

    def _sizes(self, total: int) -> list[int]:
        """Split a number of tasks into project sizes between 10 and 60 that add up to it."""
        sizes: list[int] = []
        left = total
        while left > _MAX_TASKS:
            size = round(self._random.lognormvariate(3.15, 0.5))
            size = min(max(size, _MIN_TASKS), _MAX_TASKS, left - _MIN_TASKS)
            sizes.append(size)
            left -= size
        return [*sizes, left]

    def _start_project(self, department: str, tasks: Sequence[Task]) -> None:
        random, language = self._random, self._shape.language
        created = min(task.life.created_at for task in tasks)
        names = [name for key, name in project_patterns(language) if key == department]
        grammar = self._grammars[language]
        for _ in range(12):
            title = grammar.title(random.choice(names), grammar.story(self._reference.date()))
            if title not in self._titles:
                break
        self._titles.add(title)
        open_share = sum(task.life.is_open for task in tasks) / len(tasks)
        status = DONE if open_share < 0.08 else PLANNED if open_share > 0.9 else IN_PROGRESS
        ends = max((task.life.due_on for task in tasks if task.life.due_on), default=created.date())
        project = Project(
            page_id=new_uuid(self._ids),
            title=title,
            department=department,
            lead=random.choice(self._cast.of(department)),
            status=status,
            starts_on=created.date(),
            ends_on=max(ends, created.date() + timedelta(days=14)),
            tasks=list(tasks),
        )
        for task in tasks:
            task.project = project
        self.projects.append(project)

    def _block(self, tasks: Sequence[Task]) -> None:
        """Let blocked tasks wait for open older ones, so no circle can arise; two wait for more than 25."""
        random = self._random
        for at, task in enumerate(tasks):
            older = tasks[max(0, at - 160) : at]
            waits_now = task.life.status == BLOCKED
            if waits_now or random.random() < 0.03:
                fitting = [other for other in older if other.life.is_open == waits_now]
                same = [other for other in fitting if other.project is task.project] or fitting
                self._link(task, random.sample(same, min(len(same), random.choice((1, 1, 1, 2)))))
        late = [task for task in tasks[-60:] if task.life.is_open and len(tasks) > 120]
        for gathering in late[-2:]:
            self._link(gathering, random.sample(tasks[: len(tasks) - 60], random.randint(28, 45)))

    def _link(self, task: Task, blockers: Sequence[Task]) -> None:
        for blocker in blockers:
            if blocker not in task.blockers:
                task.blockers.append(blocker)
                blocker.blocking.append(task)

    def _make_odd(self, tasks: Sequence[Task]) -> None:
        """Give a handful of tasks the titles careless software breaks on."""
        titles = ODD_TITLES[self._shape.odd_titles]
        for title, task in zip(titles, self._random.sample(tasks, len(titles)), strict=True):
            task.title = title
