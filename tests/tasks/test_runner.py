"""What --on may say."""

import pytest

from plait.errors import RequestError
from plait.tasks.here import Here
from plait.tasks.local import Local
from plait.tasks.runner import open_runner


def test_a_runner_by_its_name() -> None:
    assert isinstance(open_runner(None), Here)
    assert isinstance(open_runner("here"), Here)
    local = open_runner("local:3")
    assert isinstance(local, Local) and local.processes == 3


@pytest.mark.parametrize("on", ["", "local", "local:", "local:0", "local:-1", "local:two", "slurm", "ray:2", "here:2"])
def test_any_other_name_is_refused(on: str) -> None:
    said = rf"on is '{on}'; expected 'here', 'local:N' \(N processes of this machine\) or 'ray'\."
    with pytest.raises(RequestError, match=said):
        open_runner(on)
