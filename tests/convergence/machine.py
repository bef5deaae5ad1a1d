"""The state machine: the site as it is, what happens to it, and the runs that must in the end have told the hub all of it.

What a site does without telling (`updated` stays, no listing differs) is kept apart: a poll and a census can't know of it, the next full
read does. Everything else is told, so that a poll and two censuses make the hub equal to the source.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from pmo_hub.store.repositories import syncing
from pmo_hub_jira import simulated_dictionary as d
from pmo_hub_jira.simulated_site import Issue
from pmo_hub_jira.simulated_upheavals import paragraph
from pmo_hub_jira.simulator import Simulator
from tests.convergence.comparison import Differs, compare, compare_with_site
from tests.convergence.estate import FIRST, PROJECTS, STARTS, TIMEOUT_S, ReadingHub, minutes, small_site
from tests.convergence.walking import MODES, SOME, HeardWalk

ZONES = ("Asia/Kathmandu", "Europe/Oslo", "America/New_York", "Pacific/Chatham", "Australia/Lord_Howe", "UTC")
NAMES = ("Ada 🚧", "Łukasz", "Б", "x")

STATUS_FAULTS: tuple[dict[str, Any], ...] = (
    {"status": 429, "retry_after": 0}, {"status": 429, "retry_after": 7}, {"status": 429, "retry_after": "date:20"}, {"status": 429},
    {"status": 429, "retry_after": 1800}, {"status": 500}, {"status": 502}, {"status": 503, "retry_after": 3}, {"status": 504},
    {"status": 401}, {"status": 403}, {"status": 404},
)  # fmt: skip
PATHS = ("/rest/api/3/search/jql", "/rest/api/3/search/approximate-count", "/rest/api/3/changelog", "/rest/api/3/issue", "/rest/agile", "/")


class Convergence(HeardWalk):
    """People at work on a site, and what its index, its clock and its zone do meanwhile."""

    overlap = minutes(10)
    simulator: Simulator
    hub: ReadingHub

    @initialize(
        start=st.sampled_from(STARTS),
        zone=st.sampled_from(ZONES),
        lag_s=st.sampled_from((0, 0, 20, 90)),
        skew_s=st.sampled_from((0, -90_000, -400, 90_000)),
    )
    def begin(self, start: datetime, zone: str, lag_s: int, skew_s: int) -> None:
        self.enter(start, skew_s)
        self.simulator = Simulator(small_site(start), clock=lambda: self.time, token="token", time_zone=zone)
        self.simulator.limits.fields, self.simulator.limits.histories, self.simulator.limits.ids = 7, 60, 30
        self.world = self.simulator.world
        self.world.index_lag = timedelta(seconds=lag_s)
        self.namespace = self.simulator.site.cloud_id
        self.chosen: tuple[str, ...] = FIRST
        self.untold: set[int] = set()
        self.bereft: set[int] = set()
        self.names_untold = False
        self.returned: set[int] = set()
        self.steady: set[int] = set()
        self.join()

    def new_hub(self) -> ReadingHub:
        return ReadingHub(self.lend(), self.hub_now, self.folder, self.waits)

    # The site

    def _issue(self, number: int, *projects: str) -> Issue | None:
        found = [i for i in self.world.issues if not projects or self.world.issues[i].project_id in projects]
        return self.world.issues[sorted(found)[number % len(found)]] if found else None

    def _do(self, what: str, *arguments: Any, untold: bool = False, **named: Any) -> Any:
        """Do it, and note what then looks another way though it tells no other time of change: by a mutation of that kind (`untold`), of
        issues that are out of sight meanwhile, and where something vanishes that the hub does not hold."""
        hidden, shown = self._hidden(), {issue.id for issue in self.world.visible_issues()}
        before = self._rendered()
        done = self.simulator.mutate(what, *arguments, **named)
        after = self._rendered()
        same = {i for i in before.keys() & after.keys() if before[i][1] == after[i][1] and before[i][0] != after[i][0]}
        vanished = shown - {issue.id for issue in self.world.visible_issues()}
        if same and vanished:
            # A census ends what is held and gone, and then looks at whoever showed it. Of what is not held nobody misses anything.
            held = {int(row["external_id"]) for row in self.hub.rows("work_items").values()}
            untold = untold or not vanished <= held
            self.bereft |= same
        self.untold |= same if untold else same & (hidden | self._hidden())
        self.time += timedelta(seconds=1)
        self._narrow()
        return done

    def _hidden(self) -> set[int]:
        return {issue.id for issue in self.world.issues.values() if not self.world.visible(issue)}

    def _visible(self) -> set[int]:
        return {issue.id for issue in self.world.visible_issues() if issue.project_id in self.chosen}

    def _narrow(self) -> None:
        self.steady &= self._visible()

    def _rendered(self) -> dict[int, tuple[bytes, datetime]]:
        fields = self.simulator.renderer.selection(["*all"], "*all")
        return {issue.id: (self.simulator.renderer.issue(issue, fields), issue.updated) for issue in self.world.issues.values()}

    @rule(which=SOME, field=SOME, value=SOME)
    def edit(self, which: int, field: int, value: int) -> None:
        issue = self._issue(which)
        if issue is None:
            return
        names = sorted(self._values(issue, 0))
        name = names[field % len(names)]
        self._do("edit_fields", issue.id, {name: self._values(issue, value)[name]})

    def _values(self, issue: Issue, n: int) -> dict[str, Any]:
        """A value for each field that may be edited, the n-th of those that it may have."""
        world, site = self.world, self.simulator.site
        project = world.projects[issue.project_id]
        people = [None, *sorted(p.account_id for p in site.people[2:8])]
        sprints = [*sorted({s for b in world.boards.values() if b.project_id == issue.project_id for s in b.sprint_ids})]
        epics = [i.id for i in sorted(world.issues.values(), key=lambda i: i.id) if world.types[i.values["issuetype"]].level == 1]
        parents = [None, *(e for e in epics if world.types[issue.values["issuetype"]].level == 0)]
        day = None if n % 5 == 0 else date(2026, 1 + n % 12, 1 + n % 28)

        def one(values: Any) -> Any:
            return values[n % len(values)]

        def some(values: Any) -> tuple[Any, ...]:
            return tuple(v for place, v in enumerate(values) if n >> (place % 12) & 1)

        options = {field: one([None, *(o.id for o in site.dictionary.options[field])]) for field in (d.WORK_STREAM, d.LIKELIHOOD)}
        points = d.POINT_ESTIMATE if project.team_managed else d.STORY_POINTS
        return options | {
            "summary": f"{one(NAMES)} {n}",
            "description": None if n % 3 == 0 else paragraph(f"Described {n}"),
            "priority": one([None, d.HIGHEST, d.MEDIUM, d.LOWEST]),
            "resolution": one([None, d.RESOLVED, d.DECLINED]),
            "assignee": one(people),
            "reporter": one(people),
            d.APPROVER: one(people),
            "duedate": day,
            d.START_DATE: day,
            d.TARGET_END: day,
            points: one([None, 0.0, 0.5, 3.0, 8.0]),
            d.BUSINESS_VALUE: one([None, 0.0, 12.5]),
            "timeoriginalestimate": one([None, 0, 3600, 5400]),
            "timeestimate": one([None, 0, 1800]),
            "timespent": one([None, 60, 7200]),
            d.FLAGGED: one([(), (d.IMPEDIMENT,)]),
            "labels": some(("alpha", "beta", "ünïcode", "<b>")),
            "components": some([c.id for c in project.components]),
            "fixVersions": some([v.id for v in project.versions]),
            d.SPRINT: some(sprints),
            "parent": one(parents),
            d.GO_LIVE: None if n % 3 == 0 else self.time.replace(microsecond=0) + minutes(n % 500),
        }

    @rule(which=SOME, status=SOME)
    def change_status(self, which: int, status: int) -> None:
        issue = self._issue(which)
        if issue is not None:
            known = sorted(self.world.statuses)
            self._do("transition", issue.id, known[status % len(known)])

    @rule(which=SOME, count=st.sampled_from((1, 2, 70)))
    def write_history(self, which: int, count: int) -> None:
        issue = self._issue(which)
        if issue is not None:
            self._do("add_history", issue.id, count)

    @rule(which=SOME, count=st.sampled_from((1, 1, 22)))
    def comment(self, which: int, count: int) -> None:
        issue = self._issue(which)
        if issue is not None:
            for n in range(count):
                self._do("comment", issue.id, f"Said {n}")

    @rule(which=SOME, number=SOME)
    def edit_comment(self, which: int, number: int) -> None:
        told = [i for i in sorted(self.world.issues) if self.world.issues[i].comments]
        if told:
            self._do("edit_comment", told[which % len(told)], number, f"Said otherwise {number}")

    @rule(which=SOME, number=SOME, silent=st.booleans())
    def delete_comment(self, which: int, number: int, silent: bool) -> None:
        told = [i for i in sorted(self.world.issues) if self.world.issues[i].comments]
        if told:
            self._do("delete_comment", told[which % len(told)], number, silent, untold=silent)

    @rule(project=st.sampled_from(PROJECTS), under=SOME)
    def create(self, project: str, under: int) -> None:
        values = self._values(next(iter(i for i in self.world.issues.values())), under)
        self._do("create", self.world.projects[project].key, f"New {under}", duedate=values["duedate"], labels=values["labels"])

    @rule(which=SOME)
    def delete(self, which: int) -> None:
        issue = self._issue(which)
        if issue is not None and len(self.world.issues) > 5:
            self._do("delete", issue.id)

    @rule(which=SOME, project=st.sampled_from(PROJECTS))
    def move(self, which: int, project: str) -> None:
        issue = self._issue(which)
        if issue is not None and issue.project_id != project:
            self._do("move", issue.id, self.world.projects[project].key)

    @rule(first=SOME, second=SOME, kind=st.sampled_from((d.BLOCKS, d.BLOCKS, d.RELATES)))
    def link(self, first: int, second: int, kind: str) -> None:
        one, other = self._issue(first), self._issue(second)
        if one is not None and other is not None and one.id != other.id:
            self._do("link", one.id, other.id, kind)

    @rule(which=SOME)
    def unlink(self, which: int) -> None:
        links = sorted({link.id for links in self.world.links.values() for link in links})
        if links:
            self._do("unlink", links[which % len(links)])

    @rule(project=st.sampled_from(PROJECTS), number=st.integers(1, 99))
    def rename_project(self, project: str, number: int) -> None:
        key = f"RN{number}"
        if all(p.key != key for p in self.world.projects.values()):
            self._do("rename_project", self.world.projects[project].key, key, untold=True)

    @rule(which=SOME, name=st.sampled_from(NAMES))
    def rename_person(self, which: int, name: str) -> None:
        people = sorted(p.account_id for p in self.simulator.site.people[2:8])
        self._do("rename_person", people[which % len(people)], f"{name} {which}")
        self.names_untold = True

    @rule(project=st.sampled_from(PROJECTS))
    def lose_project(self, project: str) -> None:
        if len(self.world.hidden_projects) < len(PROJECTS) - 1:
            self._do("revoke_project", self.world.projects[project].key)

    @precondition(lambda self: self.world.hidden_projects)
    @rule(which=SOME)
    def regain_project(self, which: int) -> None:
        hidden = sorted(self.world.hidden_projects)
        self._regain("revoke_project", self.world.projects[hidden[which % len(hidden)]].key)

    @rule(which=SOME)
    def lose_issue(self, which: int) -> None:
        issue = self._issue(which)
        if issue is not None:
            self._do("revoke_issue", issue.id)

    @precondition(lambda self: self.world.hidden_issues & self.world.issues.keys())
    @rule(which=SOME)
    def regain_issue(self, which: int) -> None:
        hidden = sorted(self.world.hidden_issues & self.world.issues.keys())
        self._regain("revoke_issue", hidden[which % len(hidden)])

    def _regain(self, what: str, whose: Any) -> None:
        before = self._visible()
        self._do(what, whose, revoked=False, untold=True)
        self.returned |= self._visible() - before

    @rule(board=SOME, act=st.sampled_from(("create", "start", "close", "rename", "delete")), which=SOME)
    def change_sprint(self, board: int, act: str, which: int) -> None:
        boards = sorted(b.id for b in self.world.boards.values() if b.type != "kanban")
        if not boards:
            return
        found = self.world.boards[boards[board % len(boards)]]
        if act == "create" or not found.sprint_ids:
            self._do("create_sprint", found.id, f"Sprint {which}")
            return
        sprint = found.sprint_ids[which % len(found.sprint_ids)]
        if act == "close":
            into = found.sprint_ids[-1] if which % 2 else None
            self._do("close_sprint", sprint, into if into != sprint else None)
        elif act == "rename":
            self._do("rename_sprint", sprint, f"Renamed {which}")
        else:
            self._do(f"{act}_sprint", sprint)

    @rule(act=st.sampled_from(("create", "delete")), which=SOME, project=st.sampled_from(PROJECTS))
    def change_boards(self, act: str, which: int, project: str) -> None:
        boards = sorted(self.world.boards)
        like = boards[which % len(boards)]
        if act == "create":
            self._do("create_board", self.world.projects[project].key, f"Board {which}", like)
        elif len(boards) > 1:
            self._do("delete_board", like)

    # Clocks

    @rule(by=st.sampled_from((30, 300, 1200, 4000, 25_000, 200_000)))
    def let_time_pass(self, by: int) -> None:
        super().let_time_pass(by)

    @rule(by=st.sampled_from((-200, 3, 90, 4000)))
    def skew_the_server(self, by: int) -> None:
        self.skew_the_source(by)

    @rule(zone=st.sampled_from(ZONES))
    def change_time_zone(self, zone: str) -> None:
        self.simulator.change_time_zone(zone)

    # Faults

    @rule(path=st.sampled_from(PATHS), nth=st.integers(1, 6), times=st.sampled_from((1, 2, 6)), kind=st.integers(0, 30))
    def fail(self, path: str, nth: int, times: int, kind: int) -> None:
        kinds = ("truncated", "reset", "html", "invalid_token", "repeated_token", "empty_page", "short_page", "no_is_last", "half_listing")
        if kind < len(kinds):
            self.simulator.fault(kinds[kind], path=path, nth=nth, times=times)
        elif kind == len(kinds):
            self.simulator.fault("delay", path=path, nth=nth, times=1, delay_s=2 * TIMEOUT_S)
        else:
            self.simulator.fault("status", path=path, nth=nth, times=times, **STATUS_FAULTS[kind % len(STATUS_FAULTS)])
        self.disturbed = True

    @rule()
    def count_nothing(self) -> None:
        """The approximate count is off."""
        self.simulator.fault("zero_results", path="/rest/api/3/search/approximate-count", times=2)
        self.disturbed = True

    # The hub

    @rule(project=st.sampled_from(PROJECTS))
    def choose_or_drop(self, project: str) -> None:
        wanted = tuple(p for p in self.chosen if p != project) if project in self.chosen else (*self.chosen, project)
        if not wanted or (project not in self.chosen and project in self.world.hidden_projects):
            return
        if len(wanted) < len(self.chosen):
            self.untold |= self.bereft  # what they showed may end with the scope now, before a census has missed it
        self.choose(wanted)
        self._narrow()

    @rule()
    def poll(self) -> None:
        self.read("incremental")

    @rule(which=SOME, field=SOME, value=SOME, project=st.sampled_from(PROJECTS), by=st.integers(1, 90))
    def work_and_poll(self, which: int, field: int, value: int, project: str, by: int) -> None:
        """A few things at once, as on most days."""
        self.edit(which, field, value)
        self.change_status(which + 1, value)
        self.move(which + 2, project)
        self.comment(which + 3, 1)
        self.poll_later(by)

    @rule(mode=st.sampled_from(MODES), nth=st.integers(1, 25), act=st.integers(0, 3), which=SOME, value=SOME)
    def run_while_people_work(self, mode: str, nth: int, act: int, which: int, value: int) -> None:
        """An issue is edited, moved, deleted or made between two requests of a run."""
        acts: list[Callable[[], None]] = [
            lambda: self.edit(which, value, value),
            lambda: self.move(which, PROJECTS[value % len(PROJECTS)]),
            lambda: self.delete(which),
            lambda: self.create(PROJECTS[value % len(PROJECTS)], which),
        ]
        self.read_while(mode, nth, acts[act])

    def judge(self, run: syncing.Run) -> syncing.Run:
        """What must hold after each run, however it ended."""
        super().judge(run)
        rows = {int(row["external_id"]): row for row in self.hub.rows("work_items").values()}
        lost = sorted(self.steady - rows.keys())
        if lost:
            raise Differs(f"after {run.mode} ({run.state}) the hub has lost issues {lost}, which were there and to be seen all the time")
        if run.state != "finished" or run.mode in ("census", "hook") or run.error:
            return run
        self._fresh_enough(run, rows)
        return run

    def _fresh_enough(self, run: syncing.Run, rows: dict[int, dict[str, Any]]) -> None:
        """After a good poll or full read nothing is stale that the source has told of in time, and the run's numbers agree."""
        if self.disturbed:
            return
        indexed = self.simulator.now() - self.world.index_lag - timedelta(seconds=10)
        there = [self.world.issues[i] for i in self._visible()]
        told = [issue for issue in there if issue.updated <= indexed and not (run.mode == "incremental" and issue.id in self.returned)]
        stale = [issue.key for issue in told if issue.id not in rows or rows[issue.id]["updated_at"] != issue.updated]
        if stale:
            raise Differs(f"after a good {run.mode} the hub is behind for {stale}")
        zombies = {int(row["external_id"]) for row in self.hub.rows("tombstones").values() if row["record_type"] == "work_item"}
        buried = sorted(zombies & {issue.id for issue in told})
        if buried:
            raise Differs(f"tombstones for issues that exist: {buried}")
        if run.fetched.get("issue", 0) < run.expected.get("issue", 0):
            raise Differs(f"a run that calls itself finished fetched {dict(run.fetched)} of {dict(run.expected)}")
        if run.mode == "full":
            self.returned.clear()
        self.steady = {issue.id for issue in told}

    # The end

    def settle(self) -> None:
        """The faults end, all projects may be read again, time passes; then a poll and two censuses."""
        self.mend()
        for project in sorted(self.world.hidden_projects):
            self._regain("revoke_project", self.world.projects[project].key)
        self.let_time_pass(8 * 3600)
        for mode in ("incremental", "census", "census"):
            self.finish(mode)
            self.time += minutes(30)
        # Boards are read again every six hours, and a scope that was lost is read from where it was left.
        fresh = self.fresh()
        compare(self.hub, fresh, self.namespace, self.untold, self.names_untold)
        if self.untold or self.names_untold:
            self.finish("full")
            # Of a person, the name that the newest issue showed is kept, though that issue be gone: the next edit tells the new one.
            compare(self.hub, fresh, self.namespace, names_untold=self.names_untold)
        compare_with_site(self.hub, self.simulator, self.chosen, self.namespace)
