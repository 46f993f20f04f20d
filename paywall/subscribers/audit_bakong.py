"""Audit checks of payments by KHQR: each payment of the bank counts once, for its code."""

from paywall.subscribers.audit_check import AuditCheck

BAKONG_CHECKS = (
    AuditCheck(
        "A purchase by Bakong belongs to a code or to an unmatched payment that was given, with the"
        " same hash, reader and product",
        """
        select 'purchase ' || p.id || ': no code and no given payment with the hash ' || p.reference
        from purchase p
        where p.processor = 'bakong'
          and not exists (
              select 1 from khqr_code c where c.purchase_id = p.id
                 and (c.hash = p.reference or ERASED(p.reader_id)) and c.reader_id = p.reader_id
                 and c.product_kind = p.product_kind and c.product_id = p.product_id)
          and not exists (
              select 1 from unmatched_payment u join khqr_code c on c.id = u.code_id
              where u.purchase_id = p.id
                and (u.hash = p.reference or ERASED(p.reader_id)) and u.reader_id = p.reader_id
                and c.product_kind = p.product_kind and c.product_id = p.product_id)
        """,
    ),
    AuditCheck(
        "A paid code has a purchase by Bakong of its amount and currency, unless the site gave an"
        " unmatched payment",
        """
        select 'code ' || c.id || ': ' || c.amount || ' ' || c.currency || ', purchase '
               || c.purchase_id || case when p.id is null then ' is missing'
                  else ' of ' || p.amount_paid || ' ' || p.currency end
        from khqr_code c
        left join purchase p on p.id = c.purchase_id and p.processor = 'bakong'
        left join unmatched_payment u on u.purchase_id = c.purchase_id
        where c.purchase_id is not null
          and (p.id is null
               or (u.id is null and (p.amount_paid <> c.amount or p.currency <> c.currency)))
        """,
    ),
    AuditCheck(
        "An unmatched payment that was given has a purchase by Bakong of its amount and currency",
        """
        select 'payment ' || u.id || ': ' || u.amount || ' ' || u.currency || ', purchase '
               || u.purchase_id || case when p.id is null then ' is missing'
                  else ' of ' || p.amount_paid || ' ' || p.currency end
        from unmatched_payment u
        left join purchase p on p.id = u.purchase_id and p.processor = 'bakong'
        where u.purchase_id is not null
          and (p.id is null or p.amount_paid <> u.amount or p.currency <> u.currency)
        """,
    ),
    AuditCheck(
        "A payment is the one that a code asks for, or an unmatched one, and never both",
        """
        select 'code ' || c.id || ', payment ' || u.id || ': the same hash ' || c.hash
        from khqr_code c join unmatched_payment u on u.hash = c.hash
        where u.purchase_id is null or u.purchase_id <> c.purchase_id
        union all
        select 'purchase ' || p.id || ', payment ' || u.id || ': the same hash ' || p.reference
        from purchase p join unmatched_payment u on u.hash = p.reference
        where p.processor = 'bakong' and (u.purchase_id is null or u.purchase_id <> p.id)
        """,
    ),
    AuditCheck(
        "An unmatched payment belongs to a code of the same reader",
        """
        select 'payment ' || u.id || ': code ' || u.code_id
               || case when c.id is null then ' is missing' else ' of ' || c.reader_id end
        from unmatched_payment u left join khqr_code c on c.id = u.code_id
        where c.id is null or c.reader_id <> u.reader_id
        """,
    ),
    AuditCheck(
        "What a KHQR code sold matches its terms",
        """
        select 'grant ' || g.id || ': ' || g.amount || ' credits, and code ' || c.id
               || ' promised ' || (c.terms ->> 'credits')
        from khqr_code c join credit_grant g on g.purchase_id = c.purchase_id
        where g.amount <> cast(c.terms ->> 'credits' as bigint)
        union all
        select s.kind || ' ' || s.id || ': ' || coalesce(s.interval_count, 0) || ' times '
               || coalesce(s.interval, 'nothing') || ', and code ' || c.id || ' promised otherwise'
        from khqr_code c join subscription s on s.purchase_id = c.purchase_id
        where case when c.product_kind = 'pass'
                   then s.interval <> 'day'
                        or s.interval_count <> cast(c.terms ->> 'days' as bigint)
                   else s.interval <> (c.terms ->> 'interval')
                        or s.interval_count <> cast(c.terms ->> 'interval_count' as bigint) end
        """,
    ),
)
