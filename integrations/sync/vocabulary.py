"""The words people use for columns and options, in English, German, Spanish and French; data only."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class OurField(StrEnum):
    """What a remote field can be mapped to. A date span fills both ends of the schedule."""

    TITLE = "title"
    STATUS = "status"
    PRIORITY = "priority"
    DESCRIPTION = "description"
    ASSIGNEES = "assignees"
    DUE = "due"
    START = "start"
    COMPLETED = "completed"
    ESTIMATE = "estimate"
    TAGS = "tags"
    DEPARTMENT = "department"
    PROJECT = "project"
    PARENT = "parent"
    BLOCKED_BY = "blocked_by"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


FIELD_WORDS: Mapping[OurField, tuple[str, ...]] = {
    OurField.TITLE: _words("""
        name, title, task, titel, aufgabe, tarea, titulo, tâche
    """),
    OurField.STATUS: _words("""
        status, state, stage, progress, phase, stand, zustand, bearbeitungsstand, fortschritt, estado,
        fase, etapa, statut, état, avancement, done, completed, finished, erledigt, hecho, terminada,
        fait, terminé
    """),
    OurField.PRIORITY: _words("""
        priority, prio, urgency, importance, severity, priorität, dringlichkeit, wichtigkeit, prioridad,
        urgencia, importancia, priorité, urgence
    """),
    OurField.DESCRIPTION: _words("""
        description, summary, details, notes, beschreibung, notizen, zusammenfassung, descripción,
        detalles, notas, résumé, remarques
    """),
    OurField.ASSIGNEES: _words("""
        assignee, assignees, assigned to, assign, owner, responsible, person, who, lead, zugewiesen an,
        zugewiesen, verantwortlich, verantwortliche, zuständig, bearbeiter, wer, responsable,
        responsables, dueño, crew, sponsor, leitung, asignado a, asignado, asignada a, encargado,
        propietario, quién, assigné à, assigné, attribué à
    """),
    OurField.DUE: _words("""
        due, due date, due on, deadline, finish by, end date, target date, date, timeline, fällig, fällig
        am, fälligkeit, fälligkeitsdatum, frist, termin, abgabe, bis, enddatum, zeitraum, fecha límite,
        vence, vencimiento, fecha de entrega, entrega, plazo, fecha, échéance, date limite, date de fin
    """),
    OurField.START: _words("""
        start, start date, starts, starts on, begin, begins, kick off, startdatum, beginn, beginnt am,
        inicio, fecha de inicio, empieza, comienzo, début, date de début
    """),
    OurField.COMPLETED: _words("""
        completed on, completed at, completion date, done on, finished on, closed on, closed at, closed,
        cerrado el, geschlossen am, fermé le, abgeschlossen am, erledigt am, completado el, terminado el,
        fecha de cierre, terminé le
    """),
    OurField.ESTIMATE: _words("""
        estimate, estimated hours, estimate h, hours, effort, effort h, time estimate, workload, aufwand,
        aufwand h, aufwand std, schätzung, stunden, geschätzte stunden, geplante stunden, estimación,
        horas, horas estimadas, esfuerzo, estimation, heures, charge
    """),
    OurField.TAGS: _words("""
        tags, tag, labels, label, topics, keywords, category, categories, type, area, schlagwörter,
        schlagworte, etiketten, themen, kategorie, kategorien, art, bereich, etiquetas, etiqueta, temas,
        categoría, categorías, tipo, étiquettes, catégorie
    """),
    OurField.DEPARTMENT: _words("""
        department, team, division, unit, business unit, squad, function, abteilung, bereich, fachbereich,
        departamento, equipo, área, département, équipe
    """),
    OurField.PROJECT: _words("""
        project, projects, initiative, initiatives, epic, epics, projekt, projekte, vorhaben, proyecto,
        proyectos, iniciativa, iniciativas, projet, projets
    """),
    OurField.PARENT: _words("""
        parent, parent task, parent item, belongs to, übergeordnet, übergeordnete aufgabe, oberaufgabe,
        hauptaufgabe, tarea principal, tarea padre, elemento principal, tâche parente
    """),
    OurField.BLOCKED_BY: _words("""
        blocked by, depends on, dependencies, waiting for, waiting on, prerequisites, needs, blockiert
        durch, blockiert von, abhängig von, hängt ab von, wartet auf, voraussetzungen, bloqueado por,
        bloqueada por, depende de, espera a, bloqué par, dépend de
    """),
}

PROJECT_COLLECTION_WORDS = (*FIELD_WORDS[OurField.PROJECT], "roadmap", "portfolio", "programme", "programs")
TASK_COLLECTION_WORDS = _words("""
        task, tasks, to do, todo, tickets, backlog, issues, work, work items, action items, requests,
        aufgaben, aufgabe, vorgänge, arbeit, pendenzen, tareas, tarea, trabajo, pendientes, solicitudes,
        tâches, tâche, travail
    """)

STATUS_WORDS: Mapping[str, tuple[str, ...]] = {
    "cancelled": _words("""
        cancelled, canceled, won't do, wont do, dropped, stopped, rejected, discarded, abandoned,
        abgebrochen, verworfen, storniert, entfällt, abgelehnt, cancelado, cancelada, descartado,
        descartada, anulado, rechazado, annulé, abandonné
    """),
    "blocked": _words("""
        blocked, waiting, on hold, stuck, paused, waiting for, blockiert, wartet, wartend, pausiert,
        angehalten, bloqueado, bloqueada, en espera, en pausa, bloqué, en attente
    """),
    "in_review": _words("""
        review, in review, reviewing, qa, testing, to verify, approval, awaiting approval, prüfung, in
        prüfung, zur prüfung, freigabe, zur freigabe, abnahme, im test, revisión, en revisión, por
        revisar, aprobación, en prueba, en revue, relecture
    """),
    "done": _words("""
        done, complete, completed, finished, closed, shipped, resolved, delivered, live, erledigt, fertig,
        abgeschlossen, geschlossen, gelöst, ausgeliefert, hecho, hecha, completado, completada, terminado,
        terminada, listo, lista, cerrado, entregado, fait, terminé, terminée, livré
    """),
    "in_progress": _words("""
        in progress, doing, active, wip, started, running, ongoing, working on it, in development, in
        arbeit, in bearbeitung, läuft, begonnen, angefangen, aktiv, en progreso, en curso, haciendo,
        empezado, activo, en cours, commencé
    """),
    "planned": _words("""
        to do, todo, not started, backlog, open, planned, new, idea, ideas, inbox, ready, next, later,
        someday, triage, queued, offen, geplant, neu, nicht begonnen, zu erledigen, zu tun, eingang,
        bereit, pendiente, por hacer, sin empezar, nuevo, nueva, planificado, abierto, à faire, pas
        commencé, nouveau, prévu
    """),
}

PRIORITY_WORDS: Mapping[int, tuple[str, ...]] = {
    4: _words("""
        urgent, critical, highest, blocker, asap, emergency, now, very high, dringend, kritisch, sofort,
        höchste, sehr hoch, urgente, crítica, crítico, muy alta, critique
    """),
    3: _words("""
        high, important, major, hoch, wichtig, alta, alto, importante, haute, élevée
    """),
    2: _words("""
        medium, normal, moderate, standard, default, mittel, media, medio, moyenne, normale
    """),
    1: _words("""
        low, lowest, minor, trivial, nice to have, niedrig, gering, baja, bajo, menor, basse, faible
    """),
    0: _words("""
        none, no priority, keine, ohne, ninguna, sin prioridad, aucune
    """),
}

#: Signs people put in front of a priority, and what they mean.
_SIGNS: Mapping[int, str] = {
    4: "🔥🚨‼🔴🟥⏫",
    3: "🟠🟧⬆🔺🔼❗",
    2: "🟡🟨➡▶",
    1: "🧊❄🟢🟩🔵🟦⬇🔽🔻⏬",
    0: "⚪⬜",
}
PRIORITY_SIGNS: Mapping[str, int] = {sign: value for value, signs in _SIGNS.items() for sign in signs}

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-zäöüß])(?=[A-ZÄÖÜ])")


def normal(name: str) -> str:
    """Reduce a name to lower-case words without accents, so that "FälligAm" and "fällig am" are the same."""
    spaced = _CAMEL.sub(" ", name)
    plain = unicodedata.normalize("NFKD", spaced.casefold())
    without_marks = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(_WORD.findall(without_marks))
