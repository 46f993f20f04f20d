"""Audit checks of purchases, refunds and disputes."""

from paywall.subscribers.audit_check import AuditCheck
from paywall.subscribers.audit_prorations import COUNTING_PRORATIONS

REFUNDS = """
    select purchase_id,
           sum(case when kind = 'refund' and not is_pending then amount else 0 end) as refunded,
           sum(case when keep_access then 0 else amount end) as clawed_back
    from refund where is_in_force group by purchase_id
"""
# The share of the price that was clawed back, rounded down. After a proration credit: the share of
# the time that was credited, rounded up, and the share of the price that refunds and disputes took.
OWED = """
    case when c.purchase_id is null
         then case when p.amount_paid > 0 then g.amount * p.taken_back / p.amount_paid else 0 end
         when (g.amount * c.rest + c.whole - 1) / c.whole
              + case when p.amount_paid > 0 then g.amount * c.refunded / p.amount_paid else 0 end
              >= g.amount then g.amount
         else (g.amount * c.rest + c.whole - 1) / c.whole
              + case when p.amount_paid > 0 then g.amount * c.refunded / p.amount_paid else 0 end
         end
"""
CREDITED = f"""
    select x.purchase_id, cast(x.ends_at - x.starts_at as bigint) as whole,
           cast(case when x.credited_from <= x.starts_at then x.ends_at - x.starts_at
                     when x.credited_from >= x.ends_at then 0
                     else x.ends_at - x.credited_from end as bigint) as rest,
           cast(coalesce((
               select sum(r.amount) from refund r where r.purchase_id = x.purchase_id
                  and r.is_in_force and not r.keep_access and r.kind <> 'proration'
           ), 0) as bigint) as refunded
    from (
        select i.purchase_id, SECONDS(i.grants_from) as starts_at,
               SECONDS(i.period_ends_at) as ends_at,
               c.credited_from
        from stripe_invoice i join (
            select credited_invoice_id, min(SECONDS(starts_at)) as credited_from
            from ({COUNTING_PRORATIONS}) x group by credited_invoice_id
        ) c on c.credited_invoice_id = i.id
        where i.grants_from < i.period_ends_at
    ) x
"""  # noqa: S608 (constants)

PAYMENT_CHECKS = (
    AuditCheck(
        "The refunded amount of a purchase is the sum of its refunds that are complete",
        """
        select 'purchase ' || p.id || ': refunded ' || p.refunded || ', refunds complete '
               || coalesce(r.refunded, 0)
        from purchase p left join ($REFUNDS) r on r.purchase_id = p.id
        where p.refunded <> coalesce(r.refunded, 0)
        """,
        {"REFUNDS": REFUNDS},
    ),
    AuditCheck(
        "The amount clawed back from a purchase is the sum of its refunds and disputes in force"
        " that do not keep access, at most the price",
        """
        select 'purchase ' || p.id || ': clawed back ' || p.taken_back || ' of ' || p.amount_paid
               || ', refunds and disputes in force ' || coalesce(r.clawed_back, 0)
        from purchase p left join ($REFUNDS) r on r.purchase_id = p.id
        where p.taken_back <> case when coalesce(r.clawed_back, 0) < p.amount_paid
                                   then coalesce(r.clawed_back, 0) else p.amount_paid end
        """,
        {"REFUNDS": REFUNDS},
    ),
    AuditCheck(
        "A refund or dispute belongs to a purchase",
        """
        select 'refund ' || r.id || ': purchase ' || r.purchase_id || ' is missing'
        from refund r left join purchase p on p.id = r.purchase_id where p.id is null
        """,
    ),
    AuditCheck(
        "A grant has a purchase if and only if its source is a purchase or a subscription",
        """
        select 'grant ' || id || ': ' || source || ', purchase ' || coalesce(purchase_id, 0)
        from credit_grant
        where (source in ('purchase', 'subscription')) <> (purchase_id is not null)
        """,
    ),
    AuditCheck(
        "A bought grant, pass or period belongs to a purchase of the same reader and kind, and"
        " its reference names it",
        """
        select 'grant ' || g.id || ': purchase ' || g.purchase_id
               || case when p.id is null then ' is missing' else ' of ' || p.reader_id || ', '
                  || p.product_kind || ' ' || p.reference end
        from credit_grant g left join purchase p on p.id = g.purchase_id
        where g.purchase_id is not null
          and (p.id is null or p.reader_id <> g.reader_id
               or p.product_kind <> case g.source when 'purchase' then 'pack' else 'plan' end
               or (not ERASED(g.reader_id) and g.reference <> 'purchase_' || p.id
                   and substr(g.reference, 1, length(p.reference) + 1) <> p.reference || ' '))
        union all
        select s.kind || ' ' || s.id || ': purchase ' || coalesce(s.purchase_id, 0)
               || case when p.id is null then ' is missing' else ' of ' || p.reader_id || ', '
                  || p.product_kind || ' ' || p.product_id end
        from subscription s left join purchase p on p.id = s.purchase_id
        where (s.purchase_id is not null or s.kind in ('pass', 'prepaid'))
          and (p.id is null or p.reader_id <> s.reader_id or p.created_at <> s.created_at
               or p.product_kind <> case s.kind when 'pass' then 'pass' when 'prepaid' then 'plan'
                                                else '' end
               or p.product_id <> coalesce(case s.kind when 'pass' then s.pass_id
                                                       else s.plan_id end, ''))
        """,
    ),
    AuditCheck(
        "A purchase of a pack has one grant, of a pass one pass, of a plan one period or invoice",
        """
        select 'purchase ' || p.id || ': what this ' || p.product_kind || ' gave is missing or'
               || ' duplicated'
        from purchase p
        where case p.product_kind
              when 'pack' then (select count(*) from credit_grant g where g.purchase_id = p.id)
              when 'pass' then (select count(*) from subscription s
                                where s.purchase_id = p.id and s.kind = 'pass')
              else (select count(*) from subscription s
                    where s.purchase_id = p.id and s.kind = 'prepaid')
                   + (select count(*) from stripe_invoice i where i.purchase_id = p.id)
              end <> 1
          and not (p.processor = 'stripe' and p.product_kind = 'plan' and ERASED(p.reader_id))
        """,
    ),
    AuditCheck(
        "What a checkout sold matches its price's terms",
        """
        select 'grant ' || g.id || ': ' || g.amount || ' credits, and the price of purchase '
               || g.purchase_id || ' promised ' || (t.terms ->> 'credits')
        from checkout c join stripe_price t on t.id = c.price_id
        join credit_grant g on g.purchase_id = c.purchase_id
        where c.product_kind = 'pack' and g.amount <> cast(t.terms ->> 'credits' as bigint)
        union all
        select 'pass ' || s.id || ': ' || coalesce(s.interval_count, 0) || ' times '
               || coalesce(s.interval, 'nothing') || ', from ' || s.starts_at || ' through '
               || s.paid_through || ', and the price of purchase ' || s.purchase_id || ' promised '
               || (t.terms ->> 'days') || ' days'
        from checkout c join stripe_price t on t.id = c.price_id
        join subscription s on s.purchase_id = c.purchase_id
        where c.product_kind = 'pass'
          and case when s.interval is null
                   then SECONDS(s.paid_through) - SECONDS(s.starts_at)
                        <> cast(t.terms ->> 'days' as bigint) * 86400
                   else s.interval <> 'day'
                        or s.interval_count <> cast(t.terms ->> 'days' as bigint) end
        """,
    ),
    AuditCheck(
        "A checkout that was paid names its purchase",
        """
        select 'checkout ' || c.id || ': purchase ' || coalesce(c.purchase_id, 0) || ' is missing'
        from checkout c left join purchase p on p.id = c.purchase_id
        where p.id is null and (c.status = 'paid' or c.purchase_id is not null)
        """,
    ),
    AuditCheck(
        "An invoice that was paid names its purchase and its subscription",
        """
        select 'invoice ' || i.id || ': purchase ' || i.purchase_id || ', subscription '
               || i.subscription_id
        from stripe_invoice i
        left join purchase p on p.id = i.purchase_id
        left join stripe_subscription s on s.id = i.subscription_id
        where p.id is null or s.id is null or p.reference <> i.id
        """,
    ),
    AuditCheck(
        "A grant gave up the share of its credits that was clawed back, unless too few were left"
        " and no unlock that it paid for is in force",
        """
        select 'grant ' || g.id || ': gave up ' || coalesce(t.taken, 0) || ' of ' || g.amount
               || ' credits, purchase ' || p.id || ': clawed back ' || p.taken_back || ' of '
               || p.amount_paid
        from credit_grant g join purchase p on p.id = g.purchase_id
        left join (
            select grant_id, sum(credits) as taken from taking group by grant_id
        ) t on t.grant_id = g.id
        left join ($CREDITED) c on c.purchase_id = p.id
        left join (
            select y.grant_id,
                   sum(case when u.credits_returned then 0 else y.amount end) as spent,
                   sum(case when u.revoked_at is null then y.amount else 0 end) as in_force
            from unlock_payment y join unlock u on u.id = y.unlock_id group by y.grant_id
        ) s on s.grant_id = g.id
        where not ERASED(g.reader_id)
          and (coalesce(t.taken, 0) > $OWED
               or (coalesce(t.taken, 0) < $OWED
                   and (g.remaining > 0
                        or (s.in_force > 0 and g.amount - s.spent < $OWED))))
        """,
        {"OWED": OWED, "CREDITED": CREDITED},
    ),
    AuditCheck(
        "Clawbacks take credits from paid grants of the same reader, and an unlock that they"
        " revoked had its credits restored",
        """
        select 'taking ' || t.id || ': grant ' || t.grant_id || ', unlock '
               || coalesce(t.unlock_id, 0)
        from taking t left join credit_grant g on g.id = t.grant_id
        left join unlock u on u.id = t.unlock_id
        where g.id is null or g.reader_id <> t.reader_id or g.purchase_id is null
           or (t.unlock_id is not null and not ERASED(t.reader_id)
               and (u.id is null or u.credits_returned is null or not u.credits_returned))
        """,
    ),
)
