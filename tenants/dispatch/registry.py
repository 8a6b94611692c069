"""The jobs there are: each kind's function and the rules by which it is run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import SystemRandom

from django.utils.module_loading import autodiscover_modules

from tenants.dispatch.work import Work

_chance = SystemRandom()
type JobFunction = Callable[[Work], None]


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work.

    ``lease_seconds``: how long a silent worker keeps it. ``time_limit_seconds``: how long it may take at all.
    ``max_attempts``: failures before it is a dead letter. ``max_age_seconds``: how long it may put itself
    back. ``coalesce``: a run also serves every other waiting request of the same tenant, kind and object.
    ``lets_in``: somebody waits for it to sign in, so it runs wherever people may, also in a company that is read-only.
    """

    kind: str
    function: JobFunction
    max_attempts: int = 8
    lease_seconds: float = 60.0
    time_limit_seconds: float = 3600.0
    max_age_seconds: float = 24 * 3600.0
    backoff_seconds: float = 5.0
    backoff_most_seconds: float = 1800.0
    coalesce: bool = False
    lets_in: bool = False

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after failure number ``attempt``: doubling, bounded, spread by ± a quarter."""
        wait = min(self.backoff_most_seconds, self.backoff_seconds * 2.0 ** min(attempt - 1, 30))
        return wait * _chance.uniform(0.75, 1.25)


class JobRegistry:
    """Kind → job. Every app's ``jobs.py`` is imported before the first look-up."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._is_loaded = False

    def __iter__(self) -> Iterator[Job]:
        self.load()
        return iter(self._jobs.values())

    def add(self, job: Job) -> None:
        """Register ``job``.

        Raises: ValueError when another function already has this kind.
        """
        known = self._jobs.get(job.kind)
        if known is not None and _name(known.function) != _name(job.function):
            raise ValueError(
                f"Two jobs are called “{job.kind}”: {_name(known.function)} and {_name(job.function)}."
            )
        self._jobs[job.kind] = job

    def discard(self, kind: str) -> None:
        """Forget a kind (for tests that register their own)."""
        self._jobs.pop(kind, None)

    def find(self, kind: str) -> Job | None:
        """The job of this kind, if any app has it."""
        if kind not in self._jobs:
            self.load()
        return self._jobs.get(kind)

    def load(self) -> None:
        """Import every installed app's ``jobs.py`` once."""
        if not self._is_loaded:
            self._is_loaded = True
            autodiscover_modules("jobs")


def _name(function: JobFunction) -> str:
    return f"{function.__module__}.{function.__qualname__}"


registry = JobRegistry()


def tenant_job(
    kind: str,
    *,
    max_attempts: int = 8,
    lease_seconds: float = 60.0,
    time_limit_seconds: float = 3600.0,
    max_age_seconds: float = 24 * 3600.0,
    backoff_seconds: float = 5.0,
    backoff_most_seconds: float = 1800.0,
    coalesce: bool = False,
    lets_in: bool = False,
) -> Callable[[JobFunction], JobFunction]:
    """Register a function of an app's ``jobs.py`` as the job ``kind`` (``package.verb_noun``).

    It is called in the tenant's scope and outside any transaction: it opens its own short ones, and may do
    HTTP between them. It must be safe to run twice. See :class:`Job` for the options.
    """

    def register(function: JobFunction) -> JobFunction:
        registry.add(
            Job(
                kind=kind, function=function, max_attempts=max_attempts, lease_seconds=lease_seconds,
                time_limit_seconds=time_limit_seconds, max_age_seconds=max_age_seconds,
                backoff_seconds=backoff_seconds, backoff_most_seconds=backoff_most_seconds, coalesce=coalesce,
                lets_in=lets_in,
            )
        )  # fmt: skip
        return function

    return register
