"""Changes by hand of payments by KHQR, and the violations that the audit reports."""

from tests.subscribers.corruptions import Corruption

PAID = "select min(id) from khqr_code where purchase_id is not null and product_kind = "

BAKONG_CORRUPTIONS = {
    "the code of a purchase by Bakong deleted": Corruption(
        "select min(purchase_id) from khqr_code",
        ["delete from khqr_code where purchase_id = {x}"],
        "purchase {x}: no code and no given payment with the hash ",
    ),
    "the amount of a paid code changed": Corruption(
        f"{PAID} 'plan'",
        ["update khqr_code set amount = amount + 100 where id = '{x}'"],
        "code {x}: 700 usd, purchase ",
    ),
    "the amount of a given payment changed": Corruption(
        "select min(id) from unmatched_payment where resolution = 'given'",
        ["update unmatched_payment set amount = 1 where id = '{x}'"],
        "payment {x}: 1 usd, purchase ",
    ),
    "a payment that was given made unmatched too": Corruption(
        "select min(hash) from khqr_code",
        ["update unmatched_payment set hash = '{x}' where resolution is null"],
        ": the same hash {x}",
    ),
    "an unmatched payment of another reader": Corruption(
        "select min(id) from unmatched_payment where resolution is null",
        ["update unmatched_payment set reader_id = 'somebody' where id = '{x}'"],
        "payment {x}: code ",
    ),
    "the credits that a code sold changed": Corruption(
        f"{PAID} 'pack'",
        ["update khqr_code set terms = '{{\"credits\": 7}}' where id = '{x}'"],
        " credits, and code {x} promised 7",
    ),
    "the days that a code sold changed": Corruption(
        f"{PAID} 'pass'",
        ["update khqr_code set terms = '{{\"days\": 8}}' where id = '{x}'"],
        ", and code {x} promised otherwise",
    ),
}
