"""The pytest plugin: ``snp_host``, a running virtual host for one test.

Loaded by pytest in every project where softsnp is installed, so it imports little and says nothing
until a test asks for a host.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

import pytest

from .host import SnpHost
from .options import HostOptions, combinations, options_of
from .process import HostError, HostUnavailable

FIXTURES = ("snp_host", "snp_session_host")
FROM_THE_COMMAND_LINE = {
    "generation": "milan, genoa or turin",
    "firmware": "a firmware profile",
    "design": "a design",
    "cpus": "how many CPUs",
    "ioctls": "the kernel era of the ioctls",
}
MARKER = (
    "snp_host(**options): what snp_host is in this test: the options of softsnp run, by name. "
    "For a list of values the test runs once for each."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("softsnp", "virtual SNP hosts")
    for name, what in FROM_THE_COMMAND_LINE.items():
        group.addoption(
            f"--snp-{name}",
            metavar="VALUE[,VALUE…]",
            help=f"{what}, of each host where its test does not say; a run for each value",
        )
    group.addoption(
        "--snp-required",
        action="store_true",
        help="where no virtual host can run, fail the tests that want one instead of skipping them",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run for each combination of values; a single one leaves the test's name as it is."""
    for fixture in FIXTURES:
        if fixture not in metafunc.fixturenames or _parametrized(metafunc, fixture):
            continue
        marked = _marked(metafunc.definition) if fixture == "snp_host" else {}
        given = {**_of_command_line(metafunc.config), **marked}
        several = [name for name, value in given.items() if isinstance(value, list | tuple)]
        if several:
            choices = list(combinations(given))
            names = ["-".join(str(choice[name]) for name in several) for choice in choices]
            if fixture == "snp_session_host":
                metafunc.parametrize(fixture, choices, indirect=True, ids=names, scope="session")
            else:
                metafunc.parametrize(fixture, choices, indirect=True, ids=names)


def _parametrized(metafunc: pytest.Metafunc, fixture: str) -> bool:
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        if fixture in (names.replace(",", " ").split() if isinstance(names, str) else names):
            return True
    return False


def _of_command_line(config: pytest.Config) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name in FROM_THE_COMMAND_LINE:
        text = config.getoption(f"--snp-{name}")
        if text:
            values = [value.strip() for value in text.split(",")]
            given[name] = values if len(values) > 1 else values[0]
    return given


def _marked(node: pytest.Item | pytest.Collector) -> dict[str, Any]:
    """What markers say, the nearest last."""
    given: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("snp_host"))):
        if mark.args:
            raise pytest.UsageError(
                f"{node.nodeid}: the marker snp_host wants options by name, such as "
                f'snp_host(generation="turin"); got {mark.args[0]!r}'
            )
        given.update(mark.kwargs)
    return given


@pytest.fixture
def snp_host(request: pytest.FixtureRequest) -> Iterator[SnpHost]:
    """A virtual SNP host of this test's own, as its marker ``snp_host`` says."""
    given = {**_of_command_line(request.config), **_marked(request.node)}
    yield from _host(request, given)


@pytest.fixture(scope="session")
def snp_session_host(request: pytest.FixtureRequest) -> Iterator[SnpHost]:
    """A virtual SNP host that all tests share, as the command line says. Markers do not count."""
    yield from _host(request, _of_command_line(request.config))


def _host(request: pytest.FixtureRequest, given: Mapping[str, Any]) -> Iterator[SnpHost]:
    """An indirect parameter counts more than what is given."""
    options = _one({**given, **getattr(request, "param", {})})
    host = SnpHost(**{name: getattr(options, name) for name in vars(options)})
    try:
        host.start()
    except HostUnavailable as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines())
        if request.config.getoption("--snp-required"):
            pytest.fail(f"no virtual SNP host can run here: {reason}", pytrace=False)
        pytest.skip(f"no virtual SNP host can run here: {reason}")
    except HostError as error:
        pytest.fail(f"the virtual SNP host does not start: {error}", pytrace=False)
    yield host
    try:
        host.close()
    except HostError as error:
        pytest.fail(str(error), pytrace=False)


def _one(given: Mapping[str, Any]) -> HostOptions:
    for name, value in given.items():
        if isinstance(value, list | tuple):
            pytest.fail(
                f"{name} of a virtual SNP host wants one value; got {value!r}: a list is for tests "
                "that name the fixture as an argument and do not parametrize it themselves",
                pytrace=False,
            )
    try:
        return options_of(given)
    except ValueError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """To the report of a test that failed, what its host's kernel said."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if report.when != "call" or not report.failed:
        return
    for host in getattr(item, "funcargs", {}).values():
        if isinstance(host, SnpHost):
            report.sections.append(("virtual SNP host: its kernel's log", _log(host)))


def _log(host: SnpHost) -> str:
    try:
        return host.kernel_log()
    except Exception as error:  # the report is of another failure
        return f"it cannot be read: {error}"
