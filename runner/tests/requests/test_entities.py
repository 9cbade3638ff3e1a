import hashlib
from datetime import date

from ledger_support import DAY

from exhaust.requests.entities import request_id


def test_each_target_has_ids_of_its_own() -> None:
    """Two States on one server may have the same course, batch and requester."""
    of_two_targets = {
        request_id(
            "progress-exhaust",
            "do_2133074736487792641239",
            ["013307481768378368112"],
            "fca2925f-1eee-4654-9177-fece3fd6afc9",
            "01269878797503692810",
            date(2022, 9, 27),
            target,
        )
        for target in ("ap", "tn")
    }
    assert of_two_targets == {
        hashlib.md5(
            b"progress-exhaust|do_2133074736487792641239_013307481768378368112|"
            b"fca2925f-1eee-4654-9177-fece3fd6afc9|01269878797503692810|2022-09-27|" + target
        )
        .hexdigest()
        .upper()
        for target in (b"ap", b"tn")
    }


def test_a_request_id_ignores_the_order_of_batches() -> None:
    one, same, other = (
        request_id("progress-exhaust", "c", batches, "u", "t", DAY, "one")
        for batches in (["10", "9"], ["9", "10"], ["9"])
    )
    assert one == same != other
