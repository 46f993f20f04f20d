"""A second audit, in plain SQL and apart from `paywall audit`: each query finds no row."""

QUERIES = {
    "a grant has what its entries leave of it": """
        select g.id, g.remaining, coalesce(sum(e.amount), 0) from credit_grant g
        left join ledger_entry e on e.grant_id = g.id
        group by g.id, g.remaining having g.remaining <> coalesce(sum(e.amount), 0)""",
    "no grant is below zero or above its amount": """
        select id, remaining, amount from credit_grant where remaining < 0 or remaining > amount""",
    "a grant was never below zero on the way": """
        select grant_id, id from (
            select grant_id, id, sum(amount) over (partition by grant_id order by id) as left_over
            from ledger_entry) running where left_over < 0""",
    "a grant is granted once, and at its amount": """
        select g.id from credit_grant g left join ledger_entry e
            on e.grant_id = g.id and e.kind = 'granted'
        group by g.id, g.amount having count(e.id) <> 1 or sum(e.amount) <> g.amount""",
    "a reader and an article have one unlock in force": """
        select reader_id, article_id, count(*) from "unlock" where revoked_at is null
        group by reader_id, article_id having count(*) > 1""",
    "what was spent was spent for an unlock of the same reader": """
        select e.id from ledger_entry e left join "unlock" u
            on u.id = e.unlock_id and u.reader_id = e.reader_id
        where e.kind = 'spent' and u.id is null""",
    "an unlock in force was paid for by what its grants spent": """
        select u.id from "unlock" u
        left join (select unlock_id, sum(amount) as paid from unlock_payment group by unlock_id) p
            on p.unlock_id = u.id
        left join (select unlock_id, -sum(amount) as spent from ledger_entry group by unlock_id) e
            on e.unlock_id = u.id
        where u.source = 'credits' and u.revoked_at is null
        and (p.paid is null or e.spent is null or p.paid < 1 or p.paid <> e.spent)""",
    "the credits of a revoked unlock went back": """
        select u.id from "unlock" u where u.revoked_at is not null and u.credits_returned
        and (select sum(e.amount) from ledger_entry e where e.unlock_id = u.id) <> 0""",
    "a purchase has the refunds that are on record": """
        select p.id from purchase p left join refund r
            on r.purchase_id = p.id and r.kind = 'refund' and r.is_in_force and not r.is_pending
        group by p.id, p.refunded having p.refunded <> coalesce(sum(r.amount), 0)""",
    "a pack grants its credits once": """
        select p.id from purchase p left join credit_grant g on g.purchase_id = p.id
        where p.product_kind = 'pack' group by p.id having count(g.id) <> 1""",
    "a payment is recorded once": """
        select processor, reference from purchase group by processor, reference
        having count(*) > 1""",
    "a paid checkout names its purchase, and no other does": """
        select id from checkout where status = 'paid' and product_kind <> 'plan'
        and purchase_id is null
        union select min(id) from checkout where purchase_id is not null
        group by purchase_id having count(*) > 1""",
}
