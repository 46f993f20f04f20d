"""Which proration credits count, by SQL; shares no code with what settles them."""

# Invoices whose whole price is refunded or disputed now.
REFUNDED_INVOICES = """
    select i.id from stripe_invoice i join purchase p on p.id = i.purchase_id
    where p.amount_paid > 0 and p.amount_paid <= (
        select coalesce(sum(r.amount), 0) from refund r
        where r.purchase_id = p.id and r.is_in_force and not r.keep_access
          and r.kind <> 'proration'
    )
"""
# A credit's amount is in the invoice that gave it, and if that one is credited in turn, in the
# later invoice too. A credit counts while one of these is paid.
COUNTING_CREDITS = f"""
    with recursive holder(credit_id, invoice_id) as (
        select id, invoice_id from stripe_credit
        union
        select h.credit_id, c.invoice_id
        from holder h join stripe_credit c on c.credited_invoice_id = h.invoice_id
    )
    select c.* from stripe_credit c where c.id in (
        select h.credit_id from holder h
        where h.invoice_id is null or h.invoice_id not in ({REFUNDED_INVOICES})
    )
"""  # noqa: S608 (constants)
