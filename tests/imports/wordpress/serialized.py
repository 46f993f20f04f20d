"""Writes values as PHP's `serialize` does."""

from paywall.imports.wordpress.php_values import PhpValue


def serialize(value: PhpValue) -> str:
    match value:
        case None:
            return "N;"
        case bool():
            return f"b:{int(value)};"
        case int():
            return f"i:{value};"
        case float():
            return f"d:{value!r};".replace("inf", "INF").replace("nan", "NAN")
        case str():
            return f's:{len(value.encode())}:"{value}";'
        case dict():
            elements = (serialize(key) + serialize(element) for key, element in value.items())
            return f"a:{len(value)}:{{{''.join(elements)}}}"
        case _:
            return 'O:8:"stdClass":1:{s:1:"a";i:1;}'


def listed(*elements: PhpValue) -> str:
    """A PHP list of these elements."""
    return serialize(dict(enumerate(elements)))
