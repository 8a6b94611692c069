"""The forms of tasks and projects: shapes only, the rules are the services'."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from tasks.changing import MAX_TITLE_CHARS
from tasks.drafts import UNSET, MilestoneChanges, ProjectChanges, TaskChanges
from tasks.models import Milestone, Person, Project, Task
from tasks.projects import departments_to_make_in
from tasks.selectors import nameable_people, visible_milestones, visible_project_rows
from tenants.accounts.access import Actor
from tenants.accounts.models import Department
from tenants.foundation.errors import DomainError

MAX_PEOPLE: Final = 500
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class TaskForm(forms.Form):
    """All a person can set on a task."""

    title = forms.CharField(label=_("Title"), max_length=MAX_TITLE_CHARS)
    description = forms.CharField(
        label=_("Description"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown: lists, tables, **bold**, links."),
    )
    status = forms.ChoiceField(label=_("Status"), choices=Task.Status.choices, initial=Task.Status.PLANNED)
    priority = forms.TypedChoiceField(
        label=_("Priority"), coerce=int, choices=Task.Priority.choices, initial=Task.Priority.NONE
    )
    assignee_ids = forms.ModelMultipleChoiceField(
        label=_("Owners"),
        queryset=Person.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    department_id = forms.ModelChoiceField(
        label=_("Department"), queryset=Department.objects.none(), required=False, empty_label=_("None")
    )
    project_id = forms.ModelChoiceField(
        label=_("Project"), queryset=Project.objects.none(), required=False, empty_label=_("None")
    )
    milestone_id = forms.ModelChoiceField(
        label=_("Milestone"),
        queryset=Milestone.objects.none(),
        required=False,
        empty_label=_("None"),
        help_text=_("Of its project. In another project the task is on none."),
    )
    start_on = forms.DateField(label=_("Start"), required=False, widget=_DAY)
    due_on = forms.DateField(label=_("Due"), required=False, widget=_DAY)
    estimate_hours = forms.DecimalField(
        label=_("Estimate in hours"), required=False, min_value=0, max_digits=8, decimal_places=2
    )
    tags = forms.CharField(label=_("Tags"), required=False, help_text=_("Separated by commas."))

    def __init__(
        self,
        *args: Any,
        actor: Actor,
        is_in: UUID | None = None,
        is_on: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        # Made here, in the tenant's scope; a queryset of the class would be shared by all tenants.
        self._offer("assignee_ids", nameable_people(actor=actor)[:MAX_PEOPLE])
        self._offer("department_id", Department.objects.order_by("name"))
        # The project the task is in stays one to choose, so that saving does not take it out.
        seen = Q(pk__in=visible_project_rows(actor=actor).values("pk")) | Q(pk=is_in)
        self._offer("project_id", Project.objects.filter(seen).order_by("name", "pk"))
        # Of the project it is in, or is to be made in; and the one it is on stays.
        own = Q(pk__in=visible_milestones(actor=actor).filter(project=is_in).values("pk")) | Q(pk=is_on)
        self._offer("milestone_id", Milestone.objects.filter(own).order_by("due_on", "name", "pk"))
        if not self.fields["milestone_id"].queryset.exists():  # type: ignore[attr-defined]
            del self.fields["milestone_id"]

    def _offer(self, name: str, rows: Any) -> None:
        field: Any = self.fields[name]
        if name == "assignee_ids":
            rows = Person.objects.filter(pk__in=rows.values("pk")).order_by("name", "pk")
        field.queryset = rows
        field.label_from_instance = lambda row: row.name

    def changes(self) -> TaskChanges:
        """What was filled in."""
        data = self.cleaned_data
        return TaskChanges(
            title=data["title"],
            description=data["description"],
            status=data["status"],
            priority=data["priority"],
            assignee_ids=[person.pk for person in data["assignee_ids"]],
            department_id=_id(data["department_id"]),
            project_id=_id(data["project_id"]),
            milestone_id=self._milestone_id() if "milestone_id" in self.fields else UNSET,
            start_on=data["start_on"],
            due_on=data["due_on"],
            estimate_hours=data["estimate_hours"],
            tags=data["tags"].split(","),
        )

    def _milestone_id(self) -> UUID | None:
        """None when the project was changed as well: a milestone stays with its own."""
        chosen, project = self.cleaned_data["milestone_id"], self.cleaned_data["project_id"]
        is_of_it = chosen is not None and project is not None and chosen.project_id == project.pk
        return chosen.pk if is_of_it else None


def _id(row: Any) -> UUID | None:
    return row.pk if row is not None else None


def values_of(task: Task) -> dict[str, Any]:
    """A task's values as the form wants them."""
    return {
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "priority": task.priority,
        "assignee_ids": [person.pk for person in task.assignees.all()],
        "department_id": task.department_id,
        "project_id": task.project_id,
        "milestone_id": task.milestone_id,
        "start_on": task.start_on,
        "due_on": task.due_on,
        "estimate_hours": task.estimate_hours,
        "tags": ", ".join(task.tags),
    }


class ProjectForm(forms.Form):
    """All a person can set on a project."""

    name = forms.CharField(label=_("Name"), max_length=200)
    key = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=10,
        help_text=_(
            "Stands before the numbers of its tasks, as in OPS-214. Made from the name if left empty."
        ),
    )
    description = forms.CharField(
        label=_("Description"), required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    status = forms.ChoiceField(
        label=_("Status"), choices=Project.Status.choices, initial=Project.Status.ACTIVE
    )
    department_id = forms.ModelChoiceField(
        label=_("Department"), queryset=Department.objects.none(), required=False, empty_label=_("None")
    )
    start_on = forms.DateField(label=_("Start"), required=False, widget=_DAY)
    due_on = forms.DateField(label=_("Due"), required=False, widget=_DAY)

    def __init__(self, *args: Any, actor: Actor, project: Project | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        departments: Any = self.fields["department_id"]
        rows = Department.objects.order_by("name")
        theirs = departments_to_make_in(actor)
        if theirs is not None:
            # And the one the project is in, so that saving does not take it out.
            rows = rows.filter(pk__in=theirs | ({project.department_id} if project else set()))
            if project is None or project.department_id is not None:
                departments.required, departments.empty_label = True, None
        departments.queryset = rows

    def changes(self) -> ProjectChanges:
        """What was filled in."""
        data = self.cleaned_data
        return ProjectChanges(
            **{name: data[name] for name in ("name", "key", "description", "status", "start_on", "due_on")},
            department_id=_id(data["department_id"]),
        )


class MilestoneForm(forms.Form):
    """What a milestone is called, and by when it should be reached."""

    name = forms.CharField(label=_("Name"), max_length=200)
    due_on = forms.DateField(label=_("Day"), required=False, widget=_DAY)

    def changes(self) -> MilestoneChanges:
        """What was filled in."""
        return MilestoneChanges(name=self.cleaned_data["name"], due_on=self.cleaned_data["due_on"])


def add_domain_error(form: forms.Form, error: DomainError) -> None:
    """Put a domain error beside the fields it names, else above the form."""
    placed = [name for name in error.fields if name in form.fields]
    for name in placed:
        for line in error.fields[name]:
            form.add_error(name, line)
    if not placed:
        form.add_error(None, error.message)
