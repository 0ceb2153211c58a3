"""Ctrl-C ends a verb with status 130, wherever it comes."""

import pytest

from sbkernel.cli import main


def test_an_interrupt_while_a_class_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted:
        def __set_name__(self, owner: type, name: str) -> None:
            raise KeyboardInterrupt

    def imports(_words: list[str]) -> int:
        type("Made", (), {"attribute": Interrupted()})
        return 0

    monkeypatch.setattr(main, "_run", imports)
    with pytest.raises(SystemExit) as ended:
        main.main([])
    assert (ended.value.code, capsys.readouterr().err) == (130, "Interrupted.\n")
