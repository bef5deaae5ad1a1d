"""The closing summary, seen from outside: small runs of pytest that load the same plugins."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
import sys
sys.path.insert(0, {root!r})
pytest_plugins = ["tests.engines", "tests.third_party", "tests.covered"]
"""


@pytest.fixture
def run(pytester: pytest.Pytester, pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("CI", raising=False)
    pytester.makeconftest(CONFTEST.format(root=str(pytestconfig.rootpath)))
    pytester.makeini("[pytest]\npytest_alembic_tests_path = bound-to-no-file\nmarkers = part(name): a part\n")
    return pytester


def test_engines_and_parts_are_counted(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import pytest
        def test_lite(sqlite_url): pass
        @pytest.mark.part("charts")
        def test_chart(): pass
        """
    )
    result = run.runpytest_inprocess()
    result.stdout.fnmatch_lines(
        ["SQLite 3.*: 1 tests", "PostgreSQL: not covered, no test of this run asks for it", "charts: 1 tests", "skipped: nothing"]
    )
    assert result.ret == 0


def test_what_several_processes_covered_is_told_once(run: pytest.Pytester) -> None:
    for name in ("one", "two"):
        run.makepyfile(
            **{
                f"test_{name}": """
                import pytest
                def test_lite(sqlite_url): pass
                @pytest.mark.part("charts")
                def test_chart(): pass
                def test_skipped(): pytest.skip("no typesetter")
                """
            }
        )
    result = run.runpytest_subprocess("-n", "2", "--dist", "loadfile")
    result.stdout.fnmatch_lines(["SQLite 3.*: 2 tests", "charts: 2 tests", "skipped 2: no typesetter"])
    result.assert_outcomes(passed=4, skipped=2)


def test_skips_are_told_with_reason_and_what_they_leave_uncovered(run: pytest.Pytester) -> None:
    run.makepyfile(
        """
        import pytest
        @pytest.mark.parametrize("n", [1, 2])
        @pytest.mark.part("charts")
        def test_chart(n): pytest.skip("no typesetter")
        """
    )
    result = run.runpytest_inprocess()
    result.stdout.fnmatch_lines(["charts: 0 tests, 2 not run", "skipped 2: no typesetter"])
    assert result.ret == 0


def test_absent_payloads_skip_with_the_folder_in_the_reason(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_HUB_SHARED", str(run.path / "nowhere"))
    run.makepyfile("def test_golden(shared_folder): pass")
    result = run.runpytest_inprocess()
    result.stdout.fnmatch_lines(["third-party payloads *: 0 tests, 1 not run", "skipped 1: no third-party payloads: *nowhere does not*"])


def test_absent_server_skips_with_the_reason(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_HUB_TEST_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/none")
    run.makepyfile("def test_store(database_url): pass")
    result = run.runpytest_inprocess()
    result.stdout.fnmatch_lines(["SQLite *: 1 tests", "PostgreSQL: 0 tests, 1 not run", "skipped 1: *does not answer*"])
    result.assert_outcomes(passed=1, skipped=1)


@pytest.fixture
def ci(run: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    (run.path / "shared").mkdir()
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PMO_HUB_SHARED", str(run.path / "shared"))
    monkeypatch.setenv("PMO_HUB_TEST_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/none")
    return run


@pytest.mark.parametrize(
    "body",
    [
        "def test_it(): pytest.skip('no luck')",
        "@pytest.mark.skip(reason='no luck')\ndef test_it(): pass",
        "pytest.skip('no luck', allow_module_level=True)",
    ],
)
def test_skip_fails_under_ci(ci: pytest.Pytester, body: str) -> None:
    ci.makepyfile(f"import pytest\n{body}\ndef test_other(): pass")
    result = ci.runpytest_inprocess()
    result.stdout.fnmatch_lines(["*skipped although CI=true: no luck*"])
    assert result.ret != 0


def test_expected_failure_is_no_skip_under_ci(ci: pytest.Pytester) -> None:
    ci.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_it(): assert False")
    assert ci.runpytest_inprocess().ret == 0


def test_absent_server_fails_under_ci(ci: pytest.Pytester) -> None:
    ci.makepyfile("def test_store(postgresql_url): pass")
    result = ci.runpytest_inprocess()
    result.stdout.fnmatch_lines(["*does not answer* (with CI=true nothing is skipped)*"])
    result.stdout.fnmatch_lines(["PostgreSQL: 0 tests, 1 not run"])
    result.assert_outcomes(errors=1)


def test_absent_payloads_end_the_run_under_ci(ci: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMO_HUB_SHARED", str(ci.path / "nowhere"))
    ci.makepyfile("def test_other(): pass")
    result = ci.runpytest_inprocess()
    result.stdout.fnmatch_lines(["*with CI=true nothing is skipped: no third-party payloads: *nowhere does not exist*"])
    assert result.ret == 1
