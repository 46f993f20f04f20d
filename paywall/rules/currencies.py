"""The decimals of each currency by ISO 4217, as published on 2026-01-01.

`make currencies` writes this file.
"""


def _by_code(table: dict[int, str]) -> dict[str, int]:
    return {code: decimals for decimals, codes in table.items() for code in codes.split()}


DECIMALS = _by_code(
    {
        0: """
            bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf
        """,
        2: """
            aed afn all amd aoa ars aud awg azn bam bbd bdt bmd bnd bob brl bsd btn bwp byn bzd
            cad cdf chf cny cop crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs
            gip gmd gtq gyd hkd hnl htg huf idr ils inr irr jmd kes kgs khr kpw kyd kzt lak lbp
            lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn nio nok
            npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sos
            srd ssp stn svc syp szl thb tjs tmt top try ttd twd tzs uah usd uyu uzs ved ves wst
            xad xcd xcg yer zar zmw zwg
        """,
        3: """
            bhd iqd jod kwd lyd omr tnd
        """,
        4: """
            uyw
        """,
    }
)
# Recorded payments can be in a currency that is no longer in use.
WITHDRAWN = _by_code(
    {
        2: """
            ang bgn cuc hrk sll zwl
        """,
    }
)
