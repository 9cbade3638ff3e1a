from datetime import date

from ledger_support import DAY

from exhaust.requests.entities import request_id


def test_a_request_has_the_id_that_sunbird_gives_it() -> None:
    assert (
        request_id(
            "progress-exhaust",
            "do_2133074736487792641239",
            ["013307481768378368112"],
            "fca2925f-1eee-4654-9177-fece3fd6afc9",
            "01269878797503692810",
            date(2022, 9, 27),
        )
        == "778A3669531143769B5E8C98D42E1CAD"
    )


def test_a_request_id_ignores_the_order_of_batches() -> None:
    one, same, other = (
        request_id("progress-exhaust", "c", batches, "u", "t", DAY)
        for batches in (["10", "9"], ["9", "10"], ["9"])
    )
    assert one == same != other
