"""Audit checks of subscriptions: their ends match what was paid and clawed back."""

from paywall.subscribers.audit_check import AuditCheck
from paywall.subscribers.audit_prorations import COUNTING_PRORATIONS

# The end of each invoice's period, or the time from which the rest of it was credited; null if no
# time is left.
PERIODS = f"""
    select i.subscription_id, i.purchase_id,
           case when c.starts_at <= i.period_starts_at or i.period_ends_at <= i.period_starts_at
                then null
                when c.starts_at < i.period_ends_at then c.starts_at
                else i.period_ends_at end as ends_at
    from stripe_invoice i left join (
        select credited_invoice_id, min(starts_at) as starts_at from ({COUNTING_PRORATIONS}) x
        group by credited_invoice_id
    ) c on c.credited_invoice_id = i.id
"""  # noqa: S608 (constants)
# Of each subscription: the latest ends of what was paid and of all periods; the last period went
# back where they differ. `most_paid` is its greatest payment.
INVOICES = f"""
    select i.subscription_id,
           max(case when p.amount_paid > 0 and p.taken_back = p.amount_paid then null
                    else i.ends_at end) as paid_end,
           max(i.ends_at) as last_end,
           max(p.amount_paid) as most_paid
    from ({PERIODS}) i join purchase p on p.id = i.purchase_id group by i.subscription_id
"""  # noqa: S608 (constants)

END = """
    case when s.is_taken_back then s.starts_at
         when s.ended_at is null or s.ended_at >= s.paid_through then s.paid_through
         when s.ended_at < s.starts_at then s.starts_at
         else s.ended_at end
"""
GRACE_SECONDS = """
    case when b.status = 'past_due' and i.most_paid > 0 then b.grace_seconds else 0 end
"""
EXTRA_SECONDS = f"""
    case when b.status in ('active', 'trialing')
              and b.will_renew and s.starts_at < s.paid_through
              and (i.last_end is null or i.last_end = i.paid_end)
         then b.leeway_seconds
         else {GRACE_SECONDS} end
"""
# When paid, trial and complimentary time ends, by itself or by a refund or dispute.
ENDS = """
    select reader_id, purchase_id, starts_at as at from subscription where purchase_id is not null
    union all
    select reader_id, purchase_id, paid_through from subscription where purchase_id is not null
    union all select reader_id, 0, ended_at from subscription where ended_at is not null
    union all select reader_id, 0, paid_through from subscription where kind = 'stripe'
    union all select reader_id, 0, ends_at from complimentary_period
    union all select reader_id, 0, entitled_until from subscription where kind = 'complimentary'
    union all
    select s.reader_id, 0, b.trial_ends_at
    from stripe_subscription b join subscription s on s.id = b.id
    union all
    select s.reader_id, 0, i.period_ends_at
    from stripe_invoice i join subscription s on s.id = i.subscription_id
    union all
    select s.reader_id, 0, c.starts_at
    from stripe_credit c join subscription s on s.id = c.subscription_id
    union all
    select p.reader_id, p.id, coalesce(r.effective_at, r.created_at)
    from refund r join purchase p on p.id = r.purchase_id
    union all
    select p.reader_id, 0, r.withdrawn_at
    from refund r join purchase p on p.id = r.purchase_id where r.withdrawn_at is not null
    union all select reader_id, 0, merged_at from merged_sequence
"""
NEVER_PAID = "b.status in ('incomplete', 'incomplete_expired')"

SUBSCRIPTION_CHECKS = (
    AuditCheck(
        "A complimentary or imported subscription ends with its time or when it was ended",
        """
        select s.kind || ' ' || s.id || ': entitled until ' || s.entitled_until
               || ', access until ' || s.access_until || ', paid through ' || s.paid_through
        from subscription s left join stripe_subscription b on b.id = s.id
        where b.id is null and s.kind not in ('pass', 'prepaid')
          and (s.entitled_until <> $END or s.access_until <> $END)
        """,
        {"END": END},
    ),
    AuditCheck(
        "A pass or period is clawed back if and only if its whole price was clawed back",
        """
        select s.kind || ' ' || s.id || ': purchase ' || coalesce(p.id, 0) || ', clawed back '
               || coalesce(p.taken_back, 0) || ' of ' || coalesce(p.amount_paid, 0)
        from subscription s left join purchase p on p.id = s.purchase_id
        where s.is_taken_back
            <> coalesce(p.amount_paid > 0 and p.taken_back = p.amount_paid, false)
        """,
    ),
    AuditCheck(
        "A pass or period does not start before its payment, and has one end",
        """
        select s.kind || ' ' || s.id || ': from ' || s.starts_at || ' through ' || s.paid_through
               || ', entitled until ' || s.entitled_until || ', access until ' || s.access_until
        from subscription s join purchase p on p.id = s.purchase_id
        where s.starts_at < p.created_at or s.paid_through < s.starts_at
           or s.entitled_until <> s.paid_through or s.access_until <> s.paid_through
        """,
    ),
    AuditCheck(
        "A pass or period starts at its payment, or when something else of the reader ends",
        """
        select s.kind || ' ' || s.id || ': from ' || s.starts_at || ', paid at ' || p.created_at
        from subscription s join purchase p on p.id = s.purchase_id
        where s.starts_at <> p.created_at and not exists (
            select 1 from ($ENDS) e where e.reader_id = s.reader_id and e.at = s.starts_at
              and e.purchase_id <> s.purchase_id
        ) and s.starts_at < s.entitled_until and not ERASED(s.reader_id)
        """,
        {"ENDS": ENDS},
    ),
    AuditCheck(
        "A Stripe subscription is paid through the latest period that was paid and not clawed back,"
        " or the end of its trial",
        """
        select 'subscription ' || s.id || ': paid through ' || s.paid_through || ', invoices to '
               || coalesce(cast(i.paid_end as varchar(40)), 'none')
        from stripe_subscription b join subscription s on s.id = b.id
        left join ($INVOICES) i on i.subscription_id = s.id
        where s.paid_through <> (
            select max(x.at) from (
                select s.starts_at as at union all select i.paid_end union all
                select b.trial_ends_at
            ) x
        )
        """,
        {"INVOICES": INVOICES},
    ),
    AuditCheck(
        "A Stripe subscription opens everything through its paid time, plus leeway by its status,"
        " or grace where a payment above zero was made",
        """
        select 'subscription ' || s.id || ': ' || b.status || ', entitled until '
               || s.entitled_until || ', access until ' || s.access_until || ', paid through '
               || s.paid_through
        from stripe_subscription b join subscription s on s.id = b.id
        left join ($INVOICES) i on i.subscription_id = s.id
        where case when $NEVER_PAID
                   then s.entitled_until <> s.starts_at or s.access_until <> s.starts_at
                   else SECONDS(s.entitled_until) <> SECONDS($END) + $EXTRA_SECONDS
                     or SECONDS(s.access_until) <> SECONDS($END) + $GRACE_SECONDS
                   end
        """,
        {
            "INVOICES": INVOICES,
            "NEVER_PAID": NEVER_PAID,
            "END": END,
            "EXTRA_SECONDS": EXTRA_SECONDS,
            "GRACE_SECONDS": GRACE_SECONDS,
        },
    ),
    AuditCheck(
        "What a paid invoice credits of an earlier one counts as clawed back on it, and nothing"
        " else does as a proration",
        """
        select 'credit ' || c.id || ' of invoice ' || i.id || ': ' || coalesce(n.amount, 0)
               || ', clawed back ' || coalesce(r.amount, 0)
        from stripe_credit c join stripe_invoice i on i.id = c.credited_invoice_id
        left join ($COUNTING_PRORATIONS) n on n.id = c.id
        left join refund r on r.purchase_id = i.purchase_id and r.reference = c.id
                          and r.kind = 'proration' and r.is_in_force
        where coalesce(n.amount, 0) <> coalesce(r.amount, 0)
        union all
        select 'refund ' || r.id || ': a proration of purchase ' || r.purchase_id
               || ' without its credit'
        from refund r join purchase p on p.id = r.purchase_id
        left join stripe_credit c on c.id = r.reference and c.credited_invoice_id = p.reference
        where r.kind = 'proration' and c.id is null and not ERASED(p.reader_id)
        """,
        {"COUNTING_PRORATIONS": COUNTING_PRORATIONS},
    ),
    AuditCheck(
        "What Stripe bills is on record as a subscription of kind `stripe`, without a purchase",
        """
        select 'subscription ' || b.id || ': ' || coalesce(s.kind, 'missing')
        from stripe_subscription b left join subscription s on s.id = b.id
        where s.id is null or s.kind <> 'stripe'
        """,
    ),
)
