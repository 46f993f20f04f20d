"""Products, prices and coupons."""

from collections.abc import Iterable

from paywall.sandbox.stripe.account import StandInAccount
from paywall.sandbox.stripe.currencies import check_amount
from paywall.sandbox.stripe.errors import ApiError, invalid_parameter, missing_parameter
from paywall.sandbox.stripe.forms import (
    merge_metadata,
    nested_object,
    optional_boolean,
    optional_integer,
    optional_text,
    required_text,
)
from paywall.sandbox.stripe.objects import Json
from paywall.sandbox.stripe.pagination import paginate


def create_product(account: StandInAccount, params: Json) -> Json:
    """Create a product, with a given id or a new one."""
    id_ = optional_text(params, "id")
    if id_ and any(account.find_all("product", id=id_)):
        raise ApiError(f"Product already exists: {id_}", code="resource_already_exists", param="id")
    product = account.create(
        "product",
        **({"id": id_} if id_ else {}),
        name=required_text(params, "name"),
        description=optional_text(params, "description"),
        metadata=merge_metadata({}, params),
        updated=account.now,
    )
    account.emit_event("product.created", product)
    return product


def update_product(account: StandInAccount, params: Json, product_id: str) -> Json:
    """Change a product's name, metadata or `active`."""
    product = account.find("product", product_id)
    return account.update(product, "product.updated", **_changed_fields(product, params, "name"))


def list_products(account: StandInAccount, params: Json) -> Json:
    """Products by id or `active`."""
    ids = params.get("ids")
    rows = (row for row in account.find_all("product") if ids is None or row["id"] in ids)
    return paginate(_filter_active(rows, params), params, "/v1/products")


def create_price(account: StandInAccount, params: Json) -> Json:
    """Create a price, and its product from `product_data`."""
    currency = required_text(params, "currency")
    amount = optional_integer(params, "unit_amount")
    if amount is None:
        raise missing_parameter("unit_amount")
    check_amount("unit_amount", amount, currency.lower())
    if key := optional_text(params, "lookup_key"):
        _release_lookup_key(
            account, key, may_transfer=bool(optional_boolean(params, "transfer_lookup_key"))
        )
    price = account.create(
        "price",
        currency=currency.lower(),
        product=_find_or_create_product(account, params),
        unit_amount=amount,
        unit_amount_decimal=str(amount),
        type="recurring" if "recurring" in params else "one_time",
        recurring=_recurring(nested_object(params, "recurring")),
        lookup_key=key,
        nickname=optional_text(params, "nickname"),
        metadata=merge_metadata({}, params),
        tax_behavior="unspecified",
    )
    account.emit_event("price.created", price)
    return price


def update_price(account: StandInAccount, params: Json, price_id: str) -> Json:
    """Change a price's nickname, metadata, lookup key or `active`; its amount cannot change."""
    price = account.find("price", price_id)
    changes = _changed_fields(price, params, "nickname")
    if "lookup_key" in params:
        key = optional_text(params, "lookup_key")
        if key and key != price["lookup_key"]:
            _release_lookup_key(
                account, key, may_transfer=bool(optional_boolean(params, "transfer_lookup_key"))
            )
        changes["lookup_key"] = key
    return account.update(price, "price.updated", **changes)


def list_prices(account: StandInAccount, params: Json) -> Json:
    """Prices by lookup key, product, currency, type or `active`."""
    keys = params.get("lookup_keys")
    equal = {name: params[name] for name in ("product", "currency", "type") if params.get(name)}
    rows = (
        row
        for row in account.find_all("price", **equal)
        if keys is None or row["lookup_key"] in keys
    )
    return paginate(_filter_active(rows, params), params, "/v1/prices")


def create_coupon(account: StandInAccount, params: Json) -> Json:
    """Create a coupon; its id is also the promotion code that a payer types."""
    percent = optional_text(params, "percent_off")
    amount = optional_integer(params, "amount_off")
    if (percent is None) == (amount is None):
        raise invalid_parameter("percent_off", "Pass exactly one of percent_off and amount_off.")
    coupon = account.create(
        "coupon",
        **({"id": params["id"]} if optional_text(params, "id") else {}),
        name=optional_text(params, "name"),
        percent_off=None if percent is None else float(percent),
        amount_off=amount,
        currency=optional_text(params, "currency"),
        duration=optional_text(params, "duration") or "once",
        duration_in_months=optional_integer(params, "duration_in_months"),
        metadata=merge_metadata({}, params),
    )
    account.emit_event("coupon.created", coupon)
    return coupon


def find_price(account: StandInAccount, line: Json) -> Json:
    """The price that a line item names, or a new one from its `price_data`."""
    if "price_data" in line:
        return create_price(account, nested_object(line, "price_data"))
    return account.find("price", required_text(line, "price"), "line_items[0][price]")


def _changed_fields(obj: Json, params: Json, name: str) -> Json:
    changes: Json = {"metadata": merge_metadata(obj["metadata"], params)}
    if name in params:
        changes[name] = optional_text(params, name)
    if (active := optional_boolean(params, "active")) is not None:
        changes["active"] = active
    return changes


def _filter_active(rows: Iterable[Json], params: Json) -> list[Json]:
    active = optional_boolean(params, "active")
    return [row for row in rows if active is None or row["active"] == active]


def _find_or_create_product(account: StandInAccount, params: Json) -> str:
    if "product_data" in params:
        product_id: str = create_product(account, nested_object(params, "product_data"))["id"]
        return product_id
    product_id = required_text(params, "product")
    account.find("product", product_id, "product")
    return product_id


def _recurring(params: Json) -> Json | None:
    if not params:
        return None
    return {
        "interval": required_text(params, "interval"),
        "interval_count": optional_integer(params, "interval_count") or 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _release_lookup_key(account: StandInAccount, key: str, *, may_transfer: bool) -> None:
    for price in account.find_all("price", lookup_key=key):
        if not may_transfer:
            raise ApiError(
                f"A price (`{price['id']}`) already uses that lookup key.", param="lookup_key"
            )
        price["lookup_key"] = None
