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
# Those of the item that gave the credited period, or of an item that is not known.
OF_THE_PERIODS_ITEM = """
    select c.* from stripe_credit c left join stripe_invoice i on i.id = c.credited_invoice_id
    where c.item_id is null or i.item_id is null or c.item_id = i.item_id
"""
# The amount is in the invoice that gave the proration credit, and if that one is credited in turn,
# in the later invoice too. It counts while one of these is paid.
COUNTING_PRORATIONS = f"""
    with recursive
    proration as ({OF_THE_PERIODS_ITEM}),
    holder(proration_id, invoice_id) as (
        select id, invoice_id from proration
        union
        select h.proration_id, c.invoice_id
        from holder h join proration c on c.credited_invoice_id = h.invoice_id
    )
    select c.* from proration c where c.id in (
        select h.proration_id from holder h
        where h.invoice_id is null or h.invoice_id not in ({REFUNDED_INVOICES})
    )
"""  # noqa: S608 (constants)
