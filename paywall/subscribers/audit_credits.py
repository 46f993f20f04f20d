"""Audit checks of grants, ledger entries and unlocks."""

from paywall.subscribers.audit_check import CLOCK_SKEW_SECONDS_MAX, AuditCheck

CREDIT_CHECKS = (
    AuditCheck(
        "The remaining credits of a grant are the sum of its entries",
        """
        select 'grant ' || g.id || ': remaining ' || g.remaining || ', entries '
               || coalesce(sum(e.amount), 0)
        from credit_grant g left join ledger_entry e on e.grant_id = g.id
        group by g.id, g.remaining having g.remaining <> coalesce(sum(e.amount), 0)
        """,
    ),
    AuditCheck(
        "The remaining credits of a grant are between zero and its amount",
        """
        select 'grant ' || id || ': remaining ' || remaining || ' of ' || amount
        from credit_grant where remaining < 0 or remaining > amount
        """,
    ),
    AuditCheck(
        "A voided grant has no remaining credits",
        """
        select 'grant ' || id || ': voided ' || voided_at || ', remaining ' || remaining
        from credit_grant where voided_at is not null and remaining > 0
        """,
    ),
    AuditCheck(
        "A grant has one entry `granted`, of its whole amount",
        """
        select 'grant ' || g.id || ': amount ' || g.amount || ', granted '
               || coalesce(sum(e.amount), 0) || ' by ' || count(e.id) || ' entries'
        from credit_grant g
        left join ledger_entry e on e.grant_id = g.id and e.kind = 'granted'
        group by g.id, g.amount
        having count(e.id) <> 1 or coalesce(sum(e.amount), 0) <> g.amount
        """,
    ),
    AuditCheck(
        "An entry belongs to a grant of the same reader",
        """
        select 'entry ' || e.id || ': grant ' || e.grant_id
        from ledger_entry e left join credit_grant g on g.id = e.grant_id
        where g.id is null or g.reader_id <> e.reader_id
        """,
    ),
    AuditCheck(
        "`granted` and `restored` are positive; `spent`, `expired` and `voided` are negative",
        """
        select 'entry ' || id || ': ' || kind || ' ' || amount from ledger_entry
        where case when kind in ('granted', 'restored') then amount <= 0
                   when kind in ('spent', 'expired', 'voided') then amount >= 0
                   else 1 = 1 end
        """,
    ),
    AuditCheck(
        "`spent` and `restored` name an unlock, the other kinds none; but credits taken by a refund"
        " or expired are restored without an unlock",
        """
        select 'entry ' || e.id || ': ' || e.kind || ', unlock ' || coalesce(e.unlock_id, 0)
        from ledger_entry e left join credit_grant g on g.id = e.grant_id
        where (e.unlock_id is null) = (e.kind in ('spent', 'restored'))
          and (e.kind <> 'restored' or (g.purchase_id is null and not exists (
              select 1 from ledger_entry l where l.grant_id = e.grant_id and l.id < e.id
              and l.kind in ('expired', 'voided')
          )))
        """,
    ),
    AuditCheck(
        "An entry `expired` is not before its grant's expiry, and `voided` not before its voiding"
        " or for a refund",
        """
        select 'entry ' || e.id || ': ' || e.kind || ' of grant ' || g.id
        from ledger_entry e join credit_grant g on g.id = e.grant_id
        where (e.kind = 'expired' and (g.expires_at is null or e.at < g.expires_at))
           or (e.kind = 'voided' and g.purchase_id is null
               and (g.voided_at is null
                    or SECONDS(e.at) + $CLOCKS_APART_SECONDS_MAX < SECONDS(g.voided_at)))
        """,
        {"CLOCKS_APART_SECONDS_MAX": CLOCK_SKEW_SECONDS_MAX},
    ),
    AuditCheck(
        "The credits that refunds took from a grant match its entries, except expired credits",
        """
        select 'grant ' || x.grant_id || ': taken ' || sum(x.taken) || ', entries ' || sum(x.gone)
        from (
            select grant_id, credits as taken, 0 as gone from taking
            union all
            select grant_id, 0, -amount from ledger_entry
            where kind in ('voided', 'expired') or (kind = 'restored' and unlock_id is null)
        ) x left join credit_grant g on g.id = x.grant_id
        group by x.grant_id, g.id, g.voided_at, g.purchase_id
        having sum(x.taken) > sum(x.gone)
            or (g.voided_at is null and sum(x.taken) < sum(x.gone) and not exists (
                select 1 from ledger_entry e where e.grant_id = x.grant_id and e.kind = 'expired'
            ))
        """,
    ),
    AuditCheck(
        "A grant's payment for an unlock matches its entries: the whole, or nothing once a"
        " revocation returned it",
        """
        select 'unlock ' || x.unlock_id || ', grant ' || x.grant_id || ': payments '
               || sum(x.paid) || ', entries ' || sum(x.spent)
        from (
            select p.unlock_id, p.grant_id,
                   case when u.credits_returned then 0 else p.amount end as paid, 0 as spent
            from unlock_payment p left join unlock u on u.id = p.unlock_id
            union all
            select unlock_id, grant_id, 0, -amount from ledger_entry
            where unlock_id is not null
              and not ERASED(reader_id)
        ) x
        group by x.unlock_id, x.grant_id having sum(x.paid) <> sum(x.spent)
        """,
    ),
    AuditCheck(
        "A payment or an entry belongs to an unlock of the same reader",
        """
        select 'unlock ' || x.unlock_id || ', grant ' || x.grant_id
        from (
            select unlock_id, grant_id, reader_id from unlock_payment
            union
            select unlock_id, grant_id, reader_id from ledger_entry
            where unlock_id is not null
              and not ERASED(reader_id)
        ) x left join unlock u on u.id = x.unlock_id
        where u.id is null or u.reader_id <> x.reader_id
        """,
    ),
    AuditCheck(
        "An unlock has payments if and only if its source is credits",
        """
        select 'unlock ' || u.id || ': ' || u.source from unlock u
        where (u.source = 'credits')
            <> exists (select 1 from unlock_payment p where p.unlock_id = u.id)
        """,
    ),
    AuditCheck(
        "Revoked unlocks state whether their credits were returned; unlocks in force do not",
        """
        select 'unlock ' || id from unlock
        where (revoked_at is null) <> (credits_returned is null)
        """,
    ),
    AuditCheck(
        "A reader and an article have at most one unlock in force",
        """
        select 'unlocks ' || min(id) || ' to ' || max(id) || ': ' || count(*) || ' in force'
        from unlock where revoked_at is null
        group by reader_id, article_id having count(*) > 1
        """,
    ),
    AuditCheck(
        "Every reader with a grant, an unlock, a subscription or a purchase is a subscriber",
        """
        select x.what || ' ' || x.id
        from (
            select 'grant' as what, cast(id as varchar(200)) as id, reader_id from credit_grant
            union all
            select 'unlock', cast(id as varchar(200)), reader_id from unlock
            union all
            select 'subscription', id, reader_id from subscription
            union all
            select 'purchase', cast(id as varchar(200)), reader_id from purchase
        ) x left join subscriber s on s.id = x.reader_id
        where s.id is null
        """,
    ),
)
