"""Products, prices and coupons."""

from collections.abc import Iterable

from paywall.sandbox.stripe.account import Account
from paywall.sandbox.stripe.forms import integer, merged, nested, required, text, truth
from paywall.sandbox.stripe.listing import page
from paywall.sandbox.stripe.refusal import Refusal, invalid, missing
from paywall.sandbox.stripe.shapes import Json


def create_product(account: Account, given: Json) -> Json:
    """Make a product; an id can be chosen."""
    id_ = text(given, "id")
    if id_ and any(account.all("product", id=id_)):
        raise Refusal(f"Product already exists: {id_}", code="resource_already_exists", param="id")
    product = account.new(
        "product",
        **({"id": id_} if id_ else {}),
        name=required(given, "name"),
        description=text(given, "description"),
        metadata=merged({}, given),
        updated=account.now,
    )
    account.tell("product.created", product)
    return product


def update_product(account: Account, given: Json, product_id: str) -> Json:
    """Change a product's name, description, metadata, or whether it is on sale."""
    product = account.find("product", product_id)
    return account.change(product, "product.updated", **_changes(product, given, "name"))


def list_products(account: Account, given: Json) -> Json:
    """Products, on sale or not."""
    ids = given.get("ids")
    rows = (row for row in account.all("product") if ids is None or row["id"] in ids)
    return page(_on_sale(rows, given), given, "/v1/products")


def create_price(account: Account, given: Json) -> Json:
    """Make a price of a product, which can be made with it."""
    currency = required(given, "currency")
    amount = integer(given, "unit_amount")
    if amount is None:
        raise missing("unit_amount")
    if key := text(given, "lookup_key"):
        _free_the_key(account, key, may_take=bool(truth(given, "transfer_lookup_key")))
    price = account.new(
        "price",
        currency=currency.lower(),
        product=_product_of(account, given),
        unit_amount=amount,
        unit_amount_decimal=str(amount),
        type="recurring" if "recurring" in given else "one_time",
        recurring=_recurring(nested(given, "recurring")),
        lookup_key=key,
        nickname=text(given, "nickname"),
        metadata=merged({}, given),
        tax_behavior="unspecified",
    )
    account.tell("price.created", price)
    return price


def update_price(account: Account, given: Json, price_id: str) -> Json:
    """Change a price's name, metadata, key, or whether it is on sale; its amount is for good."""
    price = account.find("price", price_id)
    changes = _changes(price, given, "nickname")
    if "lookup_key" in given:
        key = text(given, "lookup_key")
        if key and key != price["lookup_key"]:
            _free_the_key(account, key, may_take=bool(truth(given, "transfer_lookup_key")))
        changes["lookup_key"] = key
    return account.change(price, "price.updated", **changes)


def list_prices(account: Account, given: Json) -> Json:
    """Prices by lookup key, product, currency or kind."""
    keys = given.get("lookup_keys")
    equal = {name: given[name] for name in ("product", "currency", "type") if given.get(name)}
    rows = (
        row for row in account.all("price", **equal) if keys is None or row["lookup_key"] in keys
    )
    return page(_on_sale(rows, given), given, "/v1/prices")


def create_coupon(account: Account, given: Json) -> Json:
    """Make a coupon; its id is also the code that a payer types."""
    percent = text(given, "percent_off")
    amount = integer(given, "amount_off")
    if (percent is None) == (amount is None):
        raise invalid("percent_off", "Pass exactly one of percent_off and amount_off.")
    coupon = account.new(
        "coupon",
        **({"id": given["id"]} if text(given, "id") else {}),
        name=text(given, "name"),
        percent_off=None if percent is None else float(percent),
        amount_off=amount,
        currency=text(given, "currency"),
        duration=text(given, "duration") or "once",
        duration_in_months=integer(given, "duration_in_months"),
        metadata=merged({}, given),
    )
    account.tell("coupon.created", coupon)
    return coupon


def price_of(account: Account, line: Json) -> Json:
    """The price that a line names, or that is made from its `price_data`."""
    if "price_data" in line:
        return create_price(account, nested(line, "price_data"))
    return account.find("price", required(line, "price"), "line_items[0][price]")


def _changes(thing: Json, given: Json, name: str) -> Json:
    changes: Json = {"metadata": merged(thing["metadata"], given)}
    if name in given:
        changes[name] = text(given, name)
    if (active := truth(given, "active")) is not None:
        changes["active"] = active
    return changes


def _on_sale(rows: Iterable[Json], given: Json) -> list[Json]:
    active = truth(given, "active")
    return [row for row in rows if active is None or row["active"] == active]


def _product_of(account: Account, given: Json) -> str:
    if "product_data" in given:
        product_id: str = create_product(account, nested(given, "product_data"))["id"]
        return product_id
    product_id = required(given, "product")
    account.find("product", product_id, "product")
    return product_id


def _recurring(given: Json) -> Json | None:
    if not given:
        return None
    return {
        "interval": required(given, "interval"),
        "interval_count": integer(given, "interval_count") or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _free_the_key(account: Account, key: str, *, may_take: bool) -> None:
    for price in account.all("price", lookup_key=key):
        if not may_take:
            raise Refusal(
                f"A price (`{price['id']}`) already uses that lookup key.", param="lookup_key"
            )
        price["lookup_key"] = None
