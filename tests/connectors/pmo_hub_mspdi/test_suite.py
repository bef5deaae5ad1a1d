"""The connector of files by the suite that every connector's author gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pmo_hub.sdk.contract import Ref
from pmo_hub.sdk.testing import ConnectorSuite
from pmo_hub_mspdi.connector import MspdiConnector
from pmo_hub_mspdi.simulated_plans import PlanSpec, plan_xml
from tests.connectors.pmo_hub_mspdi.archives import AGREED, ARCHIVED, DAY, archive_zip, dumps

ERP = PlanSpec("ERP Rollout", 300, seed=1, by_day=True)
PLANT = PlanSpec("Plant Upgrade", 30, seed=2)
DAYS: dict[str, list[dict[str, Any]]] = {"TaskTimephasedDataSet": [DAY], "TaskBaselineTimephasedDataSet": [AGREED]}


class TestFiles(ConnectorSuite):
    """A plan of several pages, a second one, and an archive of Project Online. Nothing answers 401 or 503: files only break."""

    connector = MspdiConnector()
    # There is no page of a plan but a whole group, and nothing of the state expires.
    test_an_expired_state_is_told_and_read_in_full = None  # type: ignore[assignment]
    # A task is known by its plan and its number in it: in another file it is another task.
    test_a_move_between_scopes_arrives = None  # type: ignore[assignment]
    # No server is asked, with no credential.
    test_a_refused_credential_is_an_auth_error = None  # type: ignore[assignment]
    test_a_rate_limit_is_transient_and_says_for_how_long = None  # type: ignore[assignment]
    test_a_failing_server_is_transient = None  # type: ignore[assignment]
    test_a_cut_answer_is_transient = None  # type: ignore[assignment]
    test_a_web_page_is_a_config_error = None  # type: ignore[assignment]
    test_no_secret_is_told = None  # type: ignore[assignment]

    def setup_method(self) -> None:
        self.erp, self.archive = ERP, archive_zip(dumps() | DAYS)
        self.plant: PlanSpec | None = PLANT

    def config(self) -> dict[str, Any]:
        return {"time_zone": "Europe/Zurich"}

    def files(self) -> dict[str, bytes]:
        held = {"erp.xml": plan_xml(self.erp), "archive.zip": self.archive}
        return held if self.plant is None else {**held, "plant.xml": plan_xml(self.plant)}

    def scopes(self) -> list[str]:
        return [ERP.id, PLANT.id, ARCHIVED]

    def edit(self) -> Ref:
        self.erp = replace(self.erp, renamed={5: "Renamed"})
        return self._task(5)

    def add(self) -> Ref:
        self.erp = replace(self.erp, added=("A new one",))
        return self._task(1_000_001)

    def remove(self) -> Ref:
        self.erp = replace(self.erp, removed=frozenset({7}))
        return self._task(7)

    def lose(self) -> str:
        self.plant = None
        return PLANT.id

    @staticmethod
    def _task(uid: int) -> Ref:
        return Ref("task", f"{ERP.id}/{uid}")
