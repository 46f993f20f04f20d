"""Audit checks of times, and of rows added or removed without this service."""

from paywall.subscribers.audit_check import CLOCK_SKEW_SECONDS_MAX, AuditCheck


def _count_check(what: str, table: str, column: str, newest: str) -> AuditCheck:
    return AuditCheck(
        f"The number of a reader's {what} matches the control total",
        """
        select 'reader ' || x.reader_id || ': $what on record ' || sum(x.found) || ', counted '
               || sum(x.counted) || coalesce(', newest ' || max(x.newest), '')
        from (
            select reader_id, count(*) as found, 0 as counted, $newest as newest
            from $table group by reader_id
            union all
            select subscriber_id, 0, $column, null from subscriber_totals
        ) x group by x.reader_id having sum(x.found) <> sum(x.counted)
        """,
        {"what": what, "table": table, "column": column, "newest": newest},
    )


HISTORY_CHECKS = (
    _count_check("ledger entries", "ledger_entry", "entries", "max(id)"),
    _count_check("unlocks", "unlock", "unlocks", "max(id)"),
    _count_check("purchases", "purchase", "purchases", "max(id)"),
    _count_check("subscriptions", "subscription", "subscriptions", "max(id)"),
    AuditCheck(
        "The credits moved by a reader's entries match the control total",
        """
        select 'reader ' || x.reader_id || ': entries move ' || sum(x.found) || ', counted '
               || sum(x.counted)
        from (
            select reader_id, sum(abs(amount)) as found, 0 as counted
            from ledger_entry group by reader_id
            union all
            select subscriber_id, 0, credits_moved from subscriber_totals
        ) x group by x.reader_id having sum(x.found) <> sum(x.counted)
        """,
    ),
    AuditCheck(
        "The times of a grant's entries follow their order, with `granted` first",
        """
        select 'entry ' || x.id || ': ' || x.kind || ' of grant ' || x.grant_id || ' at ' || x.at
               || coalesce(', after one at ' || cast(x.latest as varchar(40)), '')
        from (
            select e.id, e.grant_id, e.kind, e.at,
                   max(e.at) over (partition by e.grant_id order by e.id
                                   rows between unbounded preceding and 1 preceding) as latest
            from ledger_entry e
        ) x
        where (x.latest is null) <> (x.kind = 'granted')
           or SECONDS(x.at) + $CLOCKS_APART_SECONDS_MAX < SECONDS(x.latest)
        """,
        {"CLOCKS_APART_SECONDS_MAX": CLOCK_SKEW_SECONDS_MAX},
    ),
    AuditCheck(
        "A grant has the time of its entry `granted` or of its payment",
        """
        select 'grant ' || g.id || ': of ' || g.granted_at || ', entry ' || e.id || ' of ' || e.at
               || coalesce(', purchase ' || p.id || ' of ' || p.created_at, '')
        from credit_grant g join ledger_entry e on e.grant_id = g.id and e.kind = 'granted'
        left join purchase p on p.id = g.purchase_id
        where (g.purchase_id is null and e.at <> g.granted_at)
           or SECONDS(g.granted_at) - SECONDS(p.created_at) not between 0 and 1
           or (p.processor <> 'stripe'
               and (g.granted_at <> p.created_at
                    or SECONDS(e.at) + $CLOCKS_APART_SECONDS_MAX < SECONDS(g.granted_at)))
        """,
        {"CLOCKS_APART_SECONDS_MAX": CLOCK_SKEW_SECONDS_MAX},
    ),
    AuditCheck(
        "An unlock paid with credits has the time of its first entry `spent`",
        """
        select 'unlock ' || u.id || ': of ' || u.unlocked_at || ', entry ' || e.id || ' of ' || e.at
        from unlock u join (
            select unlock_id, min(id) as id
            from ledger_entry where kind = 'spent' group by unlock_id
        ) x on x.unlock_id = u.id join ledger_entry e on e.id = x.id
        where e.at <> u.unlocked_at
        """,
    ),
    AuditCheck(
        "An unlock whose credits were returned was revoked at the time of its last entry"
        " `restored`",
        """
        select 'unlock ' || u.id || ': revoked ' || coalesce(cast(u.revoked_at as varchar(40)), '')
               || ', entry ' || e.id || ' of ' || e.at
        from unlock u join (
            select unlock_id, max(id) as id
            from ledger_entry where kind = 'restored' group by unlock_id
        ) x on x.unlock_id = u.id join ledger_entry e on e.id = x.id
        where u.credits_returned and (u.revoked_at is null or e.at <> u.revoked_at)
        """,
    ),
    AuditCheck(
        "Credits were spent on an unlock before they expired",
        """
        select 'entry ' || e.id || ': spent at ' || e.at || ', grant ' || g.id || ' expired at '
               || g.expires_at
        from ledger_entry e join credit_grant g on g.id = e.grant_id
        join unlock u on u.id = e.unlock_id
        where e.kind = 'spent' and e.at = u.unlocked_at and e.at >= g.expires_at
        """,
    ),
)
