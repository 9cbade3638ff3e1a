import threading

import pytest

from exhaust.repeating import repeating


def test_an_interrupt_while_the_last_call_is_waited_for_does_not_leave_it_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would use a connection that is closed next."""
    threads: list[threading.Thread] = []

    class Interrupted(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            threads.append(self)
            if len(threads) == 1:
                raise KeyboardInterrupt
            super().join(timeout)

    monkeypatch.setattr(threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt), repeating(lambda: True, 0):
        pass
    assert len(threads) == 2
    assert not threads[0].is_alive()
